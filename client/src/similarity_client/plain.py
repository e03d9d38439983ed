"""Connections for uploads, by the standard library: one for each thread, without TLS or a proxy.

A request takes a fifth of the processor time that httpx2 takes, which is much for small images.
"""

import http.client
import socket
import threading
import urllib.request
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from similarity_client.driving import drive
from similarity_client.exchange import REQUEST_ID, NoReply, Outcome, Send, Watch, exchange
from similarity_client.request import Reply, Request
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
        self._settings = settings
        self._retries = retries
        self._prefix = urlsplit(settings.url).path
        self._own = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def ask(self, request: Request[T], watch: Watch | None = None) -> T:
        """Makes a call; errors as `exchange`."""
        return drive(exchange(request, self._retries, watch), self.send)

    def send(self, step: Send) -> Outcome:
        """Sends a request once."""
        connection = self._connection()
        try:
            if _is_closed(connection):
                connection.close()
                connection.connect()
        except OSError as error:
            return NoReply(error, begun=False)
        try:
            return self._sent(connection, step)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return NoReply(error, begun=True)

    def close(self) -> None:
        """Closes all connections."""
        for connection in self._all:
            connection.close()

    def _sent(self, connection: http.client.HTTPConnection, step: Send) -> Reply:
        request, body = step.request, step.request.body
        headers = {**self._settings.headers(), **request.headers, REQUEST_ID: step.request_id}
        content = None
        if body is not None:
            headers["Content-Type"], headers["Content-Length"] = body.kind, str(body.length)
            content = body.make()
        query = f"?{urlencode(request.params)}" if request.params else ""
        path = self._prefix + request.path + query
        # An answer may have come before all was sent: it is read below.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(request.method, path, content, headers)
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, response.read())

    def _connection(self) -> http.client.HTTPConnection:
        """Returns the connection of this thread."""
        found: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if found is None:
            parts = urlsplit(self._settings.url)
            found = http.client.HTTPConnection(
                parts.hostname or "", parts.port, timeout=self._settings.timeout
            )
            self._own.connection = found
            self._all.append(found)
        return found


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    """Says whether a connection is not there, or was closed by the service while it was idle."""
    sock: socket.socket | None = connection.sock
    if sock is None:
        return True
    timeout = sock.gettimeout()
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False  # nothing has come, not even an end
    except OSError:
        return True
    finally:
        sock.settimeout(timeout)
    return True
