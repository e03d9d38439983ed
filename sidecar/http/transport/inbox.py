"""Reads what a client sends of a body, and says whose fault it is when it does not come."""

import socket
import struct
import time

from gunicorn.http.unreader import SocketUnreader

from sidecar.errors import RequestBroken, RequestTimeout

MOST_AT_ONCE = 1 << 20  # bytes of one call to the kernel


class Inbox(SocketUnreader):
    """Holds what has arrived on a connection and is not used yet; waits for more of a body alone.

    Args:
        timeout_s: what a request has to arrive in, or for how long a batch may be silent.
    """

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        super().__init__(sock)
        self._timeout_s = timeout_s
        self.deadline: float | None = None  # time.monotonic; None limits the silence alone
        self.waits = False  # a head is complete before a thread takes it: nothing is waited for

    @property
    def is_late(self) -> bool:
        """Whether the request should have arrived by now."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def chunk(self, size_hint: int | None = None) -> bytes:
        return self.receive(size_hint or self.mxchunk) if self.waits else b""

    def receive(self, most: int) -> bytes:
        """Waits for the next bytes of a body.

        Raises:
            RequestTimeout: they did not come in time.
            RequestBroken: the client ended the connection before the body was complete.
        """
        left_s = self._timeout_s if self.deadline is None else self.deadline - time.monotonic()
        try:
            data = self.receive_within(most, left_s)
        except OSError as error:
            raise RequestBroken(
                f"the connection broke in the middle of the body: {error}"
            ) from error
        if data is None:
            raise RequestTimeout(
                "the request arrived too slowly: "
                f"the limit is {self._timeout_s:g} s (REQUEST_TIMEOUT_S)"
            )
        if not data:
            raise RequestBroken("the connection ended in the middle of the body")
        return data

    def receive_within(self, most: int, wait_s: float) -> bytes | None:
        """Returns what comes within `wait_s`; None if nothing does, b"" at the end.

        Raises:
            OSError: the connection is gone.
        """
        if wait_s <= 0:
            return None
        set_timeout(self.sock, socket.SO_RCVTIMEO, wait_s)
        try:
            return self.sock.recv(min(most, MOST_AT_ONCE))
        except BlockingIOError:
            return None


def set_timeout(sock: socket.socket, option: int, timeout_s: float) -> None:
    """Sets the kernel's timeout for SO_RCVTIMEO or SO_SNDTIMEO: one of Python's would ask the
    kernel twice for each piece. Source: Linux socket(7)."""
    whole, rest = divmod(max(timeout_s, 1e-6), 1)  # 0 would be none
    sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(whole), int(rest * 1e6)))
