"""Ends requests that may take hours when the process ends, so that no restart waits for them."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event

from sidecar.http.transport.connection import Connection

# A request is asked to end, and one whose client is silent is cut off later. The rest of gunicorn's
# `graceful_timeout` is for the answer.
ASK_S, CUT_OFF_S = 5.0, 8.0  # after the process was asked to stop


class LongRequests:
    """Knows the requests that may take hours."""

    def __init__(self) -> None:
        self._conns: dict[int, Connection] = {}  # by file descriptor
        self._since: float | None = None  # of the stop, time.monotonic

    @contextmanager
    def answering(self, conn: Connection) -> Iterator[None]:
        """Counts a connection's request among them while the block runs."""
        number = conn.sock.fileno()
        self._conns[number] = conn
        try:
            yield
        finally:
            del self._conns[number]

    def stop(self, stopping: Event) -> None:
        """Has them end with an answer; to be called once a second while the process stops.

        Args:
            stopping: set when they are to end.
        """
        self._since = self._since or time.monotonic()
        waited_s = time.monotonic() - self._since
        if waited_s >= ASK_S:
            stopping.set()
        if waited_s >= CUT_OFF_S:
            for conn in [*self._conns.values()]:
                with suppress(OSError):  # the connection is gone
                    conn.sock.shutdown(socket.SHUT_RD)
