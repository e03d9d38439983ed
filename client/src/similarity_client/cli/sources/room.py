"""How much of a stream is in memory at once."""

import threading

ROOM_BYTES = 48 << 20
TICK_S = 0.1


class Room:
    """Room for images that are read and not yet done with.

    Args:
        stopped: ends the waiting for room.
    """

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._free = threading.Condition()
        self._taken_bytes = 0

    def take(self, size: int) -> bool:
        """Waits until there is some room, and takes as much as is needed: one image may be larger
        than all of it. Returns False where there will be none any more."""
        with self._free:
            while self._taken_bytes >= ROOM_BYTES and not self._stopped.is_set():
                self._free.wait(TICK_S)
            self._taken_bytes += size
        return not self._stopped.is_set()

    def give(self, size: int) -> None:
        """Gives back what was taken."""
        with self._free:
            self._taken_bytes -= size
            self._free.notify()
