"""Answers in HTTP/1.1, whole and in any pieces, and what is none."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from similarity_client.http1 import Connection
from similarity_client.http1_head import BadAnswer

ANSWERS = {
    "by its length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhello", 200, b"hello"),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nAfter: all\r\n\r\n",
        200,
        b"hello",
    ),
    "to its end": (b"HTTP/1.1 500 Oh\r\n\r\nhello", 500, b"hello"),
    "of an old server": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
    "without content": (b"HTTP/1.1 204 None\r\n\r\n", 204, b""),
    "after another": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
        404,
        b"",
    ),
}
NONE = [
    b"",
    b"HTTP/1.1 200 OK\r\n",
    b"SSH-2.0-OpenSSH\r\n\r\n",
    b"HTTP/1.1 many\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 12_000,
]


@contextmanager
def answering(answer: bytes, piece: int) -> Iterator[Connection]:
    """A connection to a server that sends an answer in pieces, and closes."""

    def serve() -> None:
        served, _ = listener.accept()
        with closing(served):
            served.settimeout(30)
            served.recv(1 << 16)
            for start in range(0, len(answer), piece):
                served.sendall(answer[start : start + piece])

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        connection = Connection("127.0.0.1", listener.getsockname()[1], 30)
        with closing(connection):
            connection.open()
            yield connection
        thread.join(30)


@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_read(kind: str, piece: int) -> None:
    answer, status, content = ANSWERS[kind]
    with answering(answer, piece) as connection:
        reply = connection.exchange(b"GET / HTTP/1.1\r\n\r\n", b"")
    assert (reply.status, reply.content) == (status, content)
    if kind == "by its length":
        assert reply.headers == {"content-length": "5", "a": "b"}


@pytest.mark.parametrize("answer", NONE)
def test_what_is_no_answer_is_an_error(answer: bytes) -> None:
    with answering(answer, 1 << 16) as connection, pytest.raises((BadAnswer, ConnectionError)):
        connection.exchange(b"GET / HTTP/1.1\r\n\r\n", iter([b"a", b"b"]))
