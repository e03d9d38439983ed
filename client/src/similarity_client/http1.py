"""One connection that speaks HTTP/1.1, one request after the other, in little processor time:
`http.client` takes as long for the headers of an answer as all the rest takes.

Source: RFC 9112.
"""

import select
import socket
from collections.abc import Iterable
from contextlib import suppress

from similarity_client.http1_head import BadAnswer, Head, head_of
from similarity_client.request import Reply

PIECE_BYTES = 1 << 16
MOST_HEAD_BYTES = 1 << 16
END = b"\r\n\r\n"
FIRST_FINAL = 200
NO_CONTENT = {204, 304}


class Connection:
    """A connection, which is made when it is first needed, and made anew where it was closed.

    Args:
        timeout: seconds in which it has to be made, and in which something has to come.
    """

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._address = host, port
        self._timeout = timeout
        self._sock: socket.socket | None = None
        self._come = b""

    def open(self) -> None:
        """Makes sure that it is there. Raises OSError: it can't be made."""
        if self._sock is not None and not _is_readable(self._sock):
            return
        self.close()  # the service has closed it while it was idle, or says what nobody asked for
        self._sock = socket.create_connection(self._address, self._timeout)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        """Closes it."""
        if self._sock is not None:
            self._sock.close()
        self._sock, self._come = None, b""

    def exchange(self, head: bytes, body: bytes | Iterable[bytes]) -> Reply:
        """Sends a request on an open connection, and returns its answer.

        Raises:
            OSError: there was none.
        """
        assert self._sock is not None
        # An answer may have come before all was sent: it is read below.
        with suppress(BrokenPipeError, ConnectionResetError):
            if isinstance(body, bytes):
                self._sock.sendall(head + body)
            else:
                self._sock.sendall(head)
                for piece in body:
                    self._sock.sendall(piece)
        status, headers, closes = self._head()
        content = b"" if status in NO_CONTENT else self._content(headers)
        if closes:
            self.close()
        return Reply(status, headers, content)

    def _head(self) -> Head:
        while True:
            while (end := self._come.find(END)) < 0:
                if len(self._come) > MOST_HEAD_BYTES:
                    raise BadAnswer("its headers have no end")
                self._come += self._received()
            head = head_of(self._come[:end])
            self._come = self._come[end + len(END) :]
            if head.status >= FIRST_FINAL:  # else it only says that more will come
                return head

    def _content(self, headers: dict[str, str]) -> bytes:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return b"".join(self._chunks())
        length = headers.get("content-length")
        if length is None:
            return self._rest()
        if not (length.isascii() and length.isdigit()):
            raise BadAnswer(f"its length is {length!r}")
        return self._exactly(int(length))

    def _chunks(self) -> Iterable[bytes]:
        while True:
            line = self._line().partition(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError as error:
                raise BadAnswer(f"a chunk has the length {line!r}") from error
            if size == 0:
                break
            yield self._exactly(size)
            self._line()
        while self._line():
            pass  # fields that come after the content

    def _rest(self) -> bytes:
        with suppress(ConnectionAbortedError):
            while True:
                self._come += self._received()
        content = self._come
        self.close()
        return content

    def _line(self) -> bytes:
        while (end := self._come.find(b"\r\n")) < 0:
            self._come += self._received()
        line, self._come = self._come[:end], self._come[end + 2 :]
        return line

    def _exactly(self, size: int) -> bytes:
        parts, missing = [self._come], size - len(self._come)
        while missing > 0:
            parts.append(self._received())
            missing -= len(parts[-1])
        come = b"".join(parts) if len(parts) > 1 else parts[0]
        self._come = come[size:]
        return come[:size]

    def _received(self) -> bytes:
        assert self._sock is not None
        piece = self._sock.recv(PIECE_BYTES)
        if not piece:
            raise ConnectionAbortedError("the connection was closed before the answer had come")
        return piece


def _is_readable(sock: socket.socket) -> bool:
    """Says whether something has come where nothing was asked for: mostly the end."""
    if hasattr(select, "poll"):
        poll = select.poll()  # select takes no number above 1,023
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])
