"""Bounds the bytes of what is worked on at once."""

import threading


class Window:
    """Bounds the bytes of what is worked on; one file alone may be larger."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._turn = threading.Lock()  # small files don't overtake a large one
        self._changed = threading.Condition()

    def enter(self, size_bytes: int) -> None:
        """Waits for room."""
        with self._turn, self._changed:
            self._changed.wait_for(
                lambda: not self._held_bytes or self._held_bytes + size_bytes <= self._most_bytes
            )
            self._held_bytes += size_bytes

    def leave(self, size_bytes: int) -> None:
        """Gives the room back."""
        with self._changed:
            self._held_bytes -= size_bytes
            self._changed.notify_all()
