"""The connections that wait for their clients in the event loop, where they take no thread."""

import selectors
import time
from collections.abc import Callable
from functools import partial

from sidecar.http.transport.connection import Connection

NEW_CLIENT_S = 5.0
MOST_BYTES = 1 << 26  # of bodies that are not complete, in a process


class Waiting:
    """Watches connections until something comes, each up to its deadline.

    Args:
        poller: calls what is registered with it when a connection can be read.
        readable: is called with the connection.
    """

    def __init__(
        self, poller: selectors.BaseSelector, readable: Callable[[Connection], None]
    ) -> None:
        self._poller = poller
        self._readable = readable
        self._deadlines: dict[Connection, float] = {}  # in the order in which they began to wait
        self._held: dict[Connection, int] = {}
        self.held = 0  # bytes of bodies

    def add(self, conn: Connection, deadline: float) -> None:
        """Begins to watch a connection until `deadline` (time.monotonic)."""
        self._deadlines[conn] = deadline
        self.count(conn)
        self._poller.register(conn.sock, selectors.EVENT_READ, partial(self._call, conn))

    def remove(self, conn: Connection) -> None:
        """Watches a connection no longer."""
        self._poller.unregister(conn.sock)
        del self._deadlines[conn]
        self.held -= self._held.pop(conn)

    def count(self, conn: Connection) -> bool:
        """Counts what a connection holds; returns whether there is room for more."""
        self.held += conn.held - self._held.get(conn, 0)
        self._held[conn] = conn.held
        return self.held <= MOST_BYTES

    def set_deadline(self, conn: Connection, deadline: float) -> None:
        """Moves the deadline of a connection."""
        self._deadlines[conn] = deadline

    def hurry(self, deadline: float) -> None:
        """Lets those on which no request has begun wait until `deadline` at most; a client that has
        just connected, and has yet to send, a little longer."""
        for conn, before in self._deadlines.items():
            if conn.is_idle:
                longer_s = 0.0 if conn.has_served else NEW_CLIENT_S
                self._deadlines[conn] = min(before, deadline + longer_s)

    def late(self) -> list[Connection]:
        """Returns the connections whose deadline is past."""
        now = time.monotonic()
        return [conn for conn, deadline in self._deadlines.items() if deadline <= now]

    def oldest(self) -> Connection | None:
        """Returns the one that has waited longest, of those whose request has not begun to be
        answered; None if there is none."""
        return next((conn for conn in self._deadlines if conn.request is None), None)

    def _call(self, conn: Connection, _sock: object) -> None:
        self._readable(conn)
