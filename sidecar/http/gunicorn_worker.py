"""How a process treats those who have connected: heard out for so long, and none left at the end.

gunicorn reads with no limit, so that a client which sends a byte now and then would keep a thread,
which does nothing else meanwhile.
"""

import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker


@dataclass
class _Listening:
    """To whom a thread listens, since when, and whether it has heard the headers."""

    conn: TConn
    since: float
    heard: bool = False


class PatientWorker(ThreadWorker):
    """Gives each request so many seconds to arrive, headers and body.

    One that may take long, as a batch, must only never fall silent for as many.
    """

    timeout_s: float  # set before there are any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._listening: dict[int, _Listening] = {}  # by thread

    def handle(self, conn: TConn) -> Any:
        thread = threading.get_ident()
        self._listening[thread] = _Listening(conn, time.monotonic())
        _set_patience(conn.sock, self.timeout_s)
        try:
            return super().handle(conn)
        finally:
            self._listening.pop(thread, None)

    def heard(self, may_take_long: bool) -> None:
        """The headers of this thread's request are there: its path says how long it may take."""
        thread = threading.get_ident()
        listening = self._listening.get(thread)  # None where patience has just come to its end
        if listening is not None:
            listening.heard = True
            if may_take_long:
                self._listening.pop(thread, None)

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """At the end also take in all that have connected: who is let in no more is told so by the
        system, before anything was sent. gunicorn would leave them waiting, and then hang up."""
        super().set_accept_enabled(enabled and self.alive)
        if not self.alive:  # perhaps even before it has begun
            for listener in self.sockets:
                while self._lets_in(listener):
                    pass
                listener.close()
            self.sockets = []

    def _lets_in(self, listener: Any) -> bool:
        before = self.nr_conns
        self.accept(listener)
        return self.nr_conns > before

    def notify(self) -> None:
        """Called every second or so."""
        super().notify()
        oldest = time.monotonic() - self.timeout_s
        for thread, listening in [*self._listening.items()]:
            if listening.since < oldest:
                self._listening.pop(thread, None)
                _interrupt(listening)


def _interrupt(listening: _Listening) -> None:
    """Whoever waits for headers finds the end; whoever reads a body has BlockingIOError raised."""
    with suppress(OSError):  # the connection is gone
        if listening.heard:
            _set_patience(listening.conn.sock, 1e-6)
        else:
            listening.conn.sock.shutdown(socket.SHUT_RD)


def _set_patience(sock: socket.socket, timeout_s: float) -> None:
    """Of the kernel, since gunicorn has Python's socket wait for ever. Source: Linux socket(7)."""
    whole, rest = divmod(timeout_s, 1)
    patience = struct.pack("ll", int(whole), int(rest * 1e6))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, patience)
