"""Holds the body of a request: what arrived before its call began, and then what still comes."""

import io
import time
from collections import deque
from contextlib import suppress
from typing import Any

from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import ParseException

from sidecar.errors import RequestBroken, RequestTimeout, SimilarityError
from sidecar.http.transport.inbox import Inbox

PIECE_BYTES = 1 << 16
LEFT_OVER_BYTES = 1 << 16  # so little is read to its end to keep a connection
PATIENCE_S = 0.1  # for which a thread waits; what takes longer waits in the event loop
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"  # RFC 9110, section 10.1.1


class LengthBody:
    """Reads a body of known length: first what has arrived, then what the client still sends."""

    def __init__(self, inbox: Inbox, length: int) -> None:
        self._inbox = inbox
        self._pieces: deque[bytearray | memoryview] = deque()
        self.missing = length  # bytes that have not arrived
        self.held = 0  # bytes that have arrived and are not read
        begun = inbox.take_buffered()
        self.take(begun[:length])
        inbox.unread(begun[length:])

    def take(self, data: bytes) -> None:
        """Keeps what has arrived; pieces of single bytes are joined."""
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, bytearray) and len(last) + len(data) <= PIECE_BYTES:
            last += data
        elif data:
            self._pieces.append(bytearray(data))
        self.missing -= len(data)
        self.held += len(data)

    def forget(self) -> None:
        """Throws away what has arrived."""
        self._pieces.clear()
        self.held = 0

    def read(self, size: int) -> bytes:
        """Returns up to `size` bytes, at least one before the end."""
        if not self._pieces and self.missing:
            self.take(self._inbox.receive(self.missing))
        if not self._pieces or size == 0:
            return b""
        piece = memoryview(self._pieces.popleft())
        if len(piece) > size:
            self._pieces.appendleft(piece[size:])
        self.held -= min(size, len(piece))
        return bytes(piece[:size])


class RequestBody(Body):
    """The body that a call reads.

    Its errors are the client's: RequestTimeout and RequestBroken.

    Args:
        reader: gunicorn's, of what the head of the request announced.
        asks: whether the client waits for 100 Continue before it sends the body.
    """

    def __init__(self, reader: Any, inbox: Inbox, asks: bool) -> None:
        self.length = LengthBody(inbox, reader.length) if type(reader) is LengthReader else None
        super().__init__(self.length or reader)  # type: ignore[arg-type]
        self.trouble = ""  # what went wrong, by the label of its counter
        self.begun = False
        self._inbox = inbox
        self._asks = asks
        self._finished: bool | None = None  # whether that went well, once it was tried

    @property
    def waits_for_nobody(self) -> bool:
        """Whether reading it takes no time: it has arrived, or is late, which is an error at
        once."""
        return self._inbox.is_late or (self.length is not None and not self.length.missing)

    @property
    def is_left(self) -> bool:
        """Whether some of it may still come."""
        if self.length is not None:
            return self.length.missing > 0
        chunks = self.reader
        return not isinstance(chunks, ChunkedReader) or chunks.parser is not None

    @property
    def _ends_soon(self) -> bool:
        """Whether the connection is worth keeping for the little that may be left."""
        if self.failed:
            return False
        if self.length is not None:
            return self.length.missing <= LEFT_OVER_BYTES and not (self._asks and self.is_left)
        return self.begun

    def collect(self, patience_s: float) -> bool:
        """Takes in what comes within `patience_s`, and returns whether that is all."""
        assert self.length is not None
        deadline = time.monotonic() + patience_s
        while self.length.missing:
            self._ask_for_it()
            left_s = deadline - time.monotonic()
            try:
                data = self._inbox.receive_within(self.length.missing, left_s)
            except OSError:
                return True  # reading it says the same
            if not data:
                return data is not None
            self.length.take(data)
        return True

    def finish(self) -> bool:
        """Reads the little that may be left, once, and returns whether the connection can be
        kept."""
        if self._finished is None:
            self._finished = self._read_to_end()
        return self._finished

    def _read_to_end(self) -> bool:
        self.buf = io.BytesIO()
        if self.length is not None:
            self.length.forget()
        self._inbox.deadline = time.monotonic() + PATIENCE_S
        left = LEFT_OVER_BYTES
        try:
            while self._ends_soon and left > 0:
                data = self.read(left)
                left -= len(data)
                if not data:
                    return True
        except SimilarityError:
            return False
        return False

    def _read_reader(self, size: int) -> bytes:
        self._ask_for_it()
        self.begun = True
        try:
            return bytes(self.reader.read(size))
        except RequestTimeout:
            self._fails("timeout")
            raise
        except RequestBroken:
            self._fails("cut")
            raise
        except ParseException as error:
            self._fails("chunks")
            raise RequestBroken(f"the chunks of the body break their rules: {error}") from error

    def _ask_for_it(self) -> None:
        """Lets a client go on that waits to hear whether its body is wanted."""
        if self._asks:
            self._asks = False
            if self.is_left:
                with suppress(OSError):  # reading finds out that the client is gone
                    self._inbox.sock.send(CONTINUE)

    def _fails(self, trouble: str) -> None:
        self.failed = True
        self.trouble = self.trouble or trouble
