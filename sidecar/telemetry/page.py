"""A page of metrics on a port of its own, for a process that answers nothing else.

The server of Prometheus' library forgets the threads of its requests, and a client that connects
and says nothing keeps one for good. Here they end: with the client, after its silence, or with the
server.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

SILENCE_S = 10.0  # of a client, after which its connection is closed


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_S

    def handle(self) -> None:
        with suppress(OSError):  # the client is silent, or gone
            super().handle()

    def log_message(self, *_: object) -> None:
        """A scrape leaves no line."""


class _Server(ThreadingMixIn, WSGIServer):
    """Joins the threads of its requests when it is closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._connections: set[socket.socket] = set()
        super().__init__(*args, **kwargs)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        for connection in self._connections.copy():
            with suppress(OSError):  # it has just been closed
                connection.shutdown(socket.SHUT_RD)  # an answer on its way still gets out
        super().server_close()


class _ServerOf6(_Server):
    address_family = socket.AF_INET6


def serve(registry: CollectorRegistry, host: str, port: int) -> Callable[[], None]:
    """Answers scrapes on threads of its own, and returns what ends them and frees the port.

    Raises:
        OSError: the port is taken, or the host has no address.
    """
    family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    kind = _ServerOf6 if family == socket.AF_INET6 else _Server
    server = make_server(host, port, make_wsgi_app(registry), kind, _Handler)
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end
