"""A connection, and the request that is arriving on it."""

import socket
import time
from typing import Any

from gunicorn.http.errors import (
    InvalidHeaderName,
    InvalidRequestLine,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
)
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

from sidecar.http.transport.body import RequestBody
from sidecar.http.transport.inbox import Inbox, set_timeout

MOST_HEAD_BYTES = 1 << 16
PIECE_BYTES = 1 << 18
DRAINED_BYTES = 1 << 28  # that an answered client may still send before its connection closes
OF_A_GATEWAY = ("SCRIPT_NAME", "PATH_INFO")  # gunicorn would let a header change the path
HEAD_END = b"\r\n\r\n"


class ArrivingRequest(Request):
    """A request whose head is there, and whose body may still be on its way."""

    body: RequestBody

    def _apply_header_policy(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name in OF_A_GATEWAY:
            raise InvalidHeaderName(name)
        policy: Any = super()
        return policy._apply_header_policy(name, *args, **kwargs)

    def set_body_reader(self) -> None:
        super().set_body_reader()
        asks, self._expected_100_continue = self._expected_100_continue, False
        inbox: Any = self.unreader
        self.body = RequestBody(self.body.reader, inbox, asks)

    def should_close(self) -> bool:
        """Returns whether the connection ends with the answer, whose head then says so: a client or
        proxy that was promised it would send its next request there."""
        if not self.body.finish():
            self.force_close()
        return super().should_close()

    _expected_100_continue: bool  # gunicorn would ask for a body that no call may want


class _Parser(RequestParser):
    mesg_class = ArrivingRequest


class Connection(TConn):
    """A client's connection.

    While it waits, the event loop fills it by `receive`; else a thread owns it.

    Args:
        timeout_s: what a request has to arrive in, and what an answer may wait for its reader.
    """

    def __init__(self, cfg: Any, sock: socket.socket, addresses: Any, timeout_s: float) -> None:
        super().__init__(cfg, sock, *addresses)
        sock.setblocking(True)
        set_timeout(sock, socket.SO_SNDTIMEO, timeout_s)
        self.head = bytearray()  # of the next request, until it is complete
        self.since = time.monotonic()  # when the request began to arrive
        self.request: ArrivingRequest | None = None
        self.goes_on_at_once = False  # its body holds more than there is room for
        self.has_served = False
        self.is_over = False  # answered; what still comes is thrown away
        self._drained = 0
        self._inbox = Inbox(sock, timeout_s)
        self._parser = _Parser(cfg, sock, self.client)
        self._parser.unreader = self._inbox
        self._timeout_s = timeout_s

    @property
    def is_idle(self) -> bool:
        """Whether no request has begun."""
        return self.request is None and not self.head

    @property
    def held(self) -> int:
        """Bytes of a body that wait here."""
        length = self.request.body.length if self.request else None
        return length.held if length else 0

    def receive(self) -> bool:
        """Takes in what has come, without waiting.

        Returns:
            whether a thread shall go on: everything is there, or nothing more will come.
        Raises:
            EOFError: the client ended a connection that nobody waits for.
        """
        length = self.request.body.length if self.request else None
        most = min(length.missing, PIECE_BYTES) if length else PIECE_BYTES
        try:
            data = self.sock.recv(most, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if length is not None:
            length.take(data)
            return not (data and length.missing)
        if not data:
            raise EOFError
        return self._drain(data) if self.is_over else self._extend_head(data)

    def _drain(self, data: bytes) -> bool:
        self._drained += len(data)
        if self._drained > DRAINED_BYTES:
            raise EOFError
        return False

    def _extend_head(self, data: bytes) -> bool:
        """Adds to the head; returns whether it is complete, or past mending."""
        if self.is_idle:
            self.since = time.monotonic()
        searched = max(0, len(self.head) - len(HEAD_END))
        self.head += data
        while self.head.startswith(b"\r\n"):  # RFC 9112, section 2.2
            del self.head[:2]
        return self.head.find(HEAD_END, searched) >= 0 or self._is_malformed()

    def _is_malformed(self) -> bool:
        head = self.head
        bare = head.count(b"\n") != head.count(b"\r\n")
        return (
            bare
            or len(head) > MOST_HEAD_BYTES
            or not (head[:1].isalpha() or bytes(head) in (b"", b"\r"))
        )

    def parse(self, takes_long: Any) -> ArrivingRequest:
        """Returns the request whose head is complete.

        Args:
            takes_long: says of a path whether its body may take longer than the limit.
        Raises:
            ParseException: it is not HTTP, or over a limit.
        """
        head, self.head = bytes(self.head), bytearray()
        _check(head.partition(HEAD_END)[0])
        self._inbox.waits = False
        self._inbox.unread(head)
        try:
            request = next(self._parser)
        except (NoMoreData, StopIteration) as error:
            raise InvalidRequestLine(head[:64].decode("latin-1")) from error
        assert isinstance(request, ArrivingRequest)
        self._inbox.waits = True
        self._inbox.deadline = None if takes_long(request.path) else self.since + self._timeout_s
        self.request = request
        return request

    def next_request(self) -> bool:
        """Makes ready for the next request; returns whether its head is there already."""
        self.request, data = None, self._inbox.take_buffered()
        self.goes_on_at_once, self.has_served = False, True
        self.since = time.monotonic()
        return bool(data) and self._extend_head(data)

    def end_answer(self) -> None:
        """Lets the client see the end of the answer; what it still sends is thrown away.

        A socket closed with bytes unread resets the connection, and the client loses the answer.
        Source: RFC 9112, section 9.6.
        """
        self.is_over, self.has_served, self.request = True, True, None
        self.sock.shutdown(socket.SHUT_WR)


def _check(head: bytes) -> None:
    """Refuses what gunicorn's parsers treat differently, or would wait for more of."""
    if len(head) > MOST_HEAD_BYTES and b"\r\n" not in head:
        raise LimitRequestLine(len(head), MOST_HEAD_BYTES)
    if len(head) > MOST_HEAD_BYTES:
        raise LimitRequestHeaders(f"more than {MOST_HEAD_BYTES} bytes of headers")
    if head.count(b"\n") != head.count(b"\r\n"):
        raise InvalidRequestLine("bare LF as line terminator")
