"""A small real HTTP server that answers as a script says, and notes what it was asked."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROPPED = 0  # as a status: the connection is reset, and no answer comes


@dataclass
class Answer:
    """One answer of the script.

    Args:
        status: of HTTP, or DROPPED.
        body: bytes as they are, or what is sent as JSON.
        closes: whether the connection ends after it, without having said so.
    """

    status: int
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    closes: bool = False


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Asked], Answer]


@dataclass
class Peer:
    """The server, and all requests that it has had."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    @property
    def ids(self) -> set[str]:
        """The ids of all requests."""
        return {each.headers["x-request-id"] for each in self.asked}


def ok(**more: Any) -> Answer:
    return Answer(200, {"status": "ok", **more})


def error(status: int, word: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    body = {"status": "error", "message": word, "detail": f"a sentence on {word}", **more}
    return Answer(status, body, headers or {})


def in_turn(*answers: Answer) -> Script:
    """A script of answers, one after the other; the last one stays."""
    left = list(answers)
    lock = threading.Lock()

    def script(_: Asked) -> Answer:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script


@contextmanager
def peer(script: Script) -> Iterator[Peer]:
    """A server that answers by a script, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            served.asked.append(asked)
            answer = script(asked)
            if answer.status == DROPPED:
                self._reset()
                return
            raw = isinstance(answer.body, bytes)
            content = answer.body if raw else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            # As it says; or without a word, as a service that was idle for long.
            self.close_connection = self.close_connection or answer.closes
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _reset(self) -> None:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def finish(self) -> None:
            if not self.connection._closed:
                super().finish()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    served = Peer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
