"""Bounds the memory that all decoding takes in this process, and the time that one image takes."""

import io
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sidecar.errors import ImageTooLarge, TooBusy
from sidecar.files import in_units
from sidecar.images.memory_limit import memory_limit

MEBIBYTE = 1 << 20
UNSET_BYTES = 1024 * MEBIBYTE  # where nobody sets a limit: in tools
SHARE = 8  # of the container's memory limit: there may be two processes, and there is the rest
WAIT_S = 30.0  # for other images to be done


class DecodeBudget:
    """Hands out bytes to images that are being decoded, in the order in which they come.

    Args:
        max_bytes: of all images at once; 0 is an eighth of the container's memory limit.
        wait_s: seconds that an image waits for the others, at most.
    """

    def __init__(self, max_bytes: int = UNSET_BYTES, wait_s: float = WAIT_S) -> None:
        self.limit(max_bytes)
        self.wait_s = wait_s
        self._taken_bytes = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    def limit(self, max_bytes: int) -> None:
        """Sets how much there is, before anything is decoded; 0 as above."""
        self.max_bytes = max_bytes or memory_limit() // SHARE // MEBIBYTE * MEBIBYTE

    def check(self, cost_bytes: int) -> None:
        """Refuses an image that costs more than there is.

        Raises:
            ImageTooLarge: it does.
        """
        if cost_bytes > self.max_bytes:
            raise ImageTooLarge(
                f"decoding the image takes {in_units(cost_bytes)} of memory, more than "
                f"{in_units(self.max_bytes)} (MAX_DECODE_BYTES)"
            )

    @contextmanager
    def taken(self, cost_bytes: int) -> Iterator[None]:
        """Holds these bytes as long as the block runs; one that costs more than there is runs
        alone.

        Raises:
            TooBusy: others held them for `wait_s`.
        """
        cost_bytes = min(cost_bytes, self.max_bytes)
        with self._changed:
            self._wait_for(cost_bytes)
            self._taken_bytes += cost_bytes
        try:
            yield
        finally:
            with self._changed:
                self._taken_bytes -= cost_bytes
                self._changed.notify_all()

    def _wait_for(self, cost_bytes: int) -> None:
        turn = object()
        self._waiting.append(turn)

        def is_ready() -> bool:
            free = self.max_bytes - self._taken_bytes
            return self._waiting[0] is turn and cost_bytes <= free

        try:
            if not self._changed.wait_for(is_ready, self.wait_s):
                raise TooBusy(
                    f"other images that are being decoded took all of {in_units(self.max_bytes)} "
                    f"(MAX_DECODE_BYTES) for {self.wait_s:g} s: try again"
                )
        finally:
            self._waiting.remove(turn)
            self._changed.notify_all()  # the next one may be ready


BUDGET = DecodeBudget()  # of this process


class TimedFile(io.BytesIO):
    """Gives a decoder its file in pieces, until it has had its time.

    Args:
        content: the file.
        max_s: seconds of this thread's processor time, which others can't use up.
    """

    def __init__(self, content: bytes, max_s: float) -> None:
        super().__init__(content)
        self._max_s = max_s
        self._end_s = time.thread_time() + max_s

    def read(self, size: int | None = -1) -> bytes:
        """Reads on.

        Raises:
            ImageTooLarge: the time is over.
        """
        if time.thread_time() > self._end_s:
            raise ImageTooLarge(
                f"decoding the image takes more than {self._max_s:g} s of processor time "
                "(MAX_DECODE_S)"
            )
        return super().read(size)
