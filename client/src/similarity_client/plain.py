"""Connections for uploads, over sockets: one for each thread, without TLS or a proxy.

A request takes less than a fifth of the processor time that httpx2 takes, which is much for small
images.
"""

import threading
import urllib.request
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from similarity_client.driving import drive
from similarity_client.exchange import REQUEST_ID, NoReply, Outcome, Send, Watch, exchange
from similarity_client.http1 import Connection
from similarity_client.request import Request
from similarity_client.retry import Retries
from similarity_client.settings import Settings

T = TypeVar("T")


def suits(settings: Settings) -> bool:
    """Says whether a service is reached by plain connections."""
    parts = urlsplit(settings.url)
    proxied = "http" in urllib.request.getproxies()
    return parts.scheme == "http" and not (
        proxied and not urllib.request.proxy_bypass(parts.hostname or "")
    )


class PlainClient:
    """Makes calls of an upload; many threads ask at once, and it is closed after them."""

    def __init__(self, settings: Settings, retries: Retries) -> None:
        parts = urlsplit(settings.url)
        self._address = parts.hostname or "", parts.port or 80, settings.timeout
        self._retries = retries
        self._prefix = parts.path
        host = parts.netloc.rpartition("@")[2]
        fixed = {"Host": host, **settings.headers()}
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in fixed.items())
        self._own = threading.local()
        self._all: list[Connection] = []

    def ask(self, request: Request[T], watch: Watch | None = None) -> T:
        """Makes a call; errors as `exchange`."""
        return drive(exchange(request, self._retries, watch), self.send)

    def send(self, step: Send) -> Outcome:
        """Sends a request once."""
        connection = self._connection()
        try:
            connection.open()
        except OSError as error:
            return NoReply(error, begun=False)
        try:
            body = step.request.body
            return connection.exchange(self._head(step), b"" if body is None else body.make())
        except OSError as error:
            connection.close()
            return NoReply(error, begun=True)

    def close(self) -> None:
        """Closes all connections."""
        for connection in self._all:
            connection.close()

    def _head(self, step: Send) -> bytes:
        request, body = step.request, step.request.body
        query = f"?{urlencode(request.params)}" if request.params else ""
        lines = [f"{request.method} {self._prefix}{request.path}{query} HTTP/1.1\r\n", self._fixed]
        lines += [f"{name}: {value}\r\n" for name, value in request.headers.items()]
        lines.append(f"{REQUEST_ID}: {step.request_id}\r\n")
        if body is not None:
            lines.append(f"Content-Type: {body.kind}\r\nContent-Length: {body.length}\r\n")
        return ("".join(lines) + "\r\n").encode("latin-1")

    def _connection(self) -> Connection:
        """Returns the connection of this thread."""
        found: Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = Connection(*self._address)
            self._all.append(found)
        return found
