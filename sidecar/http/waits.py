"""Lets some requests wait for a change, a few at a time: each of them keeps a thread."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

LOOK_S = 0.25
SHARE = 4  # one in so many requests may wait

Seen = TypeVar("Seen")


class Waits:
    """Waits for changes, with a part of a process's threads; where that is used up, not at all.

    Args:
        limit: requests in flight at once.
        stopping: set when the process ends, and all waits with it.
    """

    def __init__(self, limit: int, stopping: threading.Event) -> None:
        self._free = threading.BoundedSemaphore(max(1, limit // SHARE))
        self._stopping = stopping

    def changed(
        self, look: Callable[[], Seen], ends: Callable[[Seen], bool], most_s: float
    ) -> Seen:
        """Looks until it sees something else than at first, or the end.

        Args:
            ends: says of what is seen that nothing more will come.
            most_s: for how long at most; 0 looks once.
        Returns:
            what it saw last.
        """
        first = seen = look()
        if not most_s or not self._free.acquire(blocking=False):
            return first
        try:
            until = time.monotonic() + most_s
            while seen == first and not ends(seen) and time.monotonic() < until:
                if self._stopping.wait(min(LOOK_S, most_s)):
                    break
                seen = look()
        finally:
            self._free.release()
        return seen
