"""Limits the time in which a request has to arrive, and answers all who connected before a stop.

gunicorn reads without a timeout: a client that sends a byte now and then would keep a thread, which
can do nothing else meanwhile.
"""

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# What may take hours is asked to end some seconds after the process is; who is silent is cut off
# later. The rest of gunicorn's `graceful_timeout` is for the answer.
LONG_GRACE_S, SILENT_GRACE_S = 5.0, 8.0


@dataclass
class _Arriving:
    """A request on its way: its connection, since when, and whether its headers are complete."""

    conn: TConn
    since: float  # time.monotonic
    has_headers: bool = False


class TimeoutWorker(ThreadWorker):
    """Gives each request, headers and body, `timeout_s` seconds to arrive.

    A request that may take long, such as a batch, must only never pause for as many.
    """

    timeout_s: float  # set before the first worker is made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[int, _Arriving] = {}  # by thread
        self._long: dict[int, _Arriving] = {}  # those that may take hours
        self._stops_since: float | None = None  # time.monotonic

    def handle(self, conn: TConn) -> Any:
        thread = threading.get_ident()
        self._arriving[thread] = _Arriving(conn, time.monotonic())
        _set_timeout(conn.sock, self.timeout_s)
        try:
            return super().handle(conn)
        finally:
            self._arriving.pop(thread, None)
            self._long.pop(thread, None)

    def headers_arrived(self, may_take_long: bool) -> None:
        """Notes that the headers of this thread's request are complete.

        Args:
            may_take_long: whether the time for the whole request is unlimited, as its path says.
        """
        thread = threading.get_ident()
        arriving = self._arriving.get(thread)  # None where the request has just timed out
        if arriving is not None:
            arriving.has_headers = True
            if may_take_long:
                self._arriving.pop(thread, None)
                self._long[thread] = arriving

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Accepts connections or not; at the end it first accepts all that are already waiting.

        After that the system refuses clients before they have sent anything. gunicorn would leave
        those in the queue waiting, and then hang up.
        """
        super().set_accept_enabled(enabled and self.alive)
        if not self.alive:  # perhaps even before it has begun
            for listener in self.sockets:
                while self._accepts(listener):
                    pass
                listener.close()
            self.sockets = []

    def _accepts(self, listener: Any) -> bool:
        """Accepts a connection, and returns whether one was waiting."""
        before = self.nr_conns
        self.accept(listener)
        return self.nr_conns > before

    def notify(self) -> None:
        """Ends requests that have timed out; gunicorn calls it about once a second."""
        super().notify()
        if not self.alive:
            self._end_long_requests()
        oldest = time.monotonic() - self.timeout_s
        for thread, arriving in [*self._arriving.items()]:
            if arriving.since < oldest:
                self._arriving.pop(thread, None)
                _interrupt(arriving)

    def _end_long_requests(self) -> None:
        """Has what may take hours end with an answer, so that it does not hold up a restart."""
        self._stops_since = self._stops_since or time.monotonic()
        waited_s = time.monotonic() - self._stops_since
        if waited_s >= LONG_GRACE_S:
            self.wsgi.background.stopping.set()  # type: ignore[attr-defined]
        if waited_s >= SILENT_GRACE_S:
            for arriving in [*self._long.values()]:
                with suppress(OSError):  # the connection is gone
                    arriving.conn.sock.shutdown(socket.SHUT_RD)


def _interrupt(arriving: _Arriving) -> None:
    """Ends the wait: for headers with an end of file, for a body with BlockingIOError."""
    with suppress(OSError):  # the connection is gone
        if arriving.has_headers:
            _set_timeout(arriving.conn.sock, 1e-6)
        else:
            arriving.conn.sock.shutdown(socket.SHUT_RD)


def _set_timeout(sock: socket.socket, timeout_s: float) -> None:
    """Sets the kernel's timeout: gunicorn has Python's socket block. Source: Linux socket(7)."""
    whole, rest = divmod(timeout_s, 1)
    timeval = struct.pack("ll", int(whole), int(rest * 1e6))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, timeval)
