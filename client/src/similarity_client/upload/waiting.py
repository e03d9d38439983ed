"""What waits to be sent: groups go in, one image at a time comes out."""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Waiting(Generic[T]):
    """A queue that is filled by whole groups: a thread that fills it is woken once for a group, and
    not for each image.

    Args:
        low: a group goes in as soon as no more than so many are left.
    """

    def __init__(self, low: int) -> None:
        self._low = low
        self._left: deque[T] = deque()
        self._lock = threading.RLock()  # `stop` may come by a signal, into the midst of all
        self._room = threading.Condition(self._lock)
        self._some = threading.Condition(self._lock)
        self._ended = False
        self._stopped = False

    def put(self, group: Sequence[T]) -> None:
        """Puts a group in, as soon as there is room; after `stop` it is dropped."""
        if not group:
            return
        with self._room:
            while len(self._left) > self._low and not self._stopped:
                self._room.wait()
            if not self._stopped:
                self._left.extend(group)
                self._some.notify(len(group))
                if len(self._left) <= self._low:
                    self._room.notify()  # for another group, too

    def get(self) -> T | None:
        """Waits for an image; None: there will be none any more."""
        with self._some:
            while not self._left and not self._ended and not self._stopped:
                self._some.wait()
            if self._stopped or not self._left:
                return None
            if len(self._left) == self._low + 1:
                self._room.notify()
            return self._left.popleft()

    def end(self) -> None:
        """Says that nothing more goes in."""
        with self._lock:
            self._ended = True
            self._some.notify_all()

    def stop(self) -> None:
        """Ends all waiting, and gives out nothing any more."""
        with self._lock:
            self._stopped = True
            self._room.notify_all()
            self._some.notify_all()
