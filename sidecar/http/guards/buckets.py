"""The buckets of all keys that have a rate, in a file that the processes of a service share.

A client may reach any process, so all take from the same bucket. A request reads and writes one
time of 8 bytes, under a lock that the system takes back from a process that ends.
"""

import fcntl
import mmap
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.http.guards.rate import Rate

FILE = "rates"
BUCKETS = 4096  # keys that may be short of tokens at the same time
ITEM_BYTES = 8
BYTES = 2 * BUCKETS * ITEM_BYTES
TAG_DIGITS = 16  # of a key's SHA-256, which name its bucket


class Buckets:
    """Takes tokens from the bucket of a key.

    A bucket that is full is as good as none, so a key that comes anew gets the place of the
    fullest. Where more than BUCKETS keys are short of tokens, that one has its burst too early.

    Args:
        folder: says where the processes share files, None where this process is alone.
        clock: nanoseconds; the same for all processes, and it never goes back.
    """

    def __init__(
        self, folder: Callable[[], Path | None], clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._threads = threading.Lock()  # the file's own lock is between processes
        self._handle = -1
        self._places: dict[int, int] = {}  # by tag, where a bucket was the last time

    def open(self) -> None:
        """Opens the file, which the first process makes.

        Raises:
            OSError: it can't be made.
        """
        folder = self._folder()
        if folder is None:
            with tempfile.TemporaryFile() as file:
                self._handle = os.dup(file.fileno())
        else:
            self._handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Gets the room for all of it: a write to a mapped file that finds none ends the process.
        os.posix_fallocate(self._handle, 0, BYTES)
        mapped = memoryview(mmap.mmap(self._handle, BYTES))
        self._tags = mapped[: BYTES // 2].cast("Q")
        self._full_at_ns = mapped[BYTES // 2 :].cast("q")

    def close(self) -> None:
        """Closes the file; the buckets stay for the other processes."""
        with self._threads:
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1
                del self._tags, self._full_at_ns  # the memory goes with the last of them

    def take(self, sha256: str, rate: Rate) -> int:
        """Takes a token of a key.

        Args:
            sha256: of the key, hex.
        Returns:
            0, or if there was none the nanoseconds until there is.
        """
        tag = int(sha256[:TAG_DIGITS], 16)
        with self._alone():
            place = self._place(tag)
            now_ns = self._clock()  # read here: else it might be before what another has written
            self._full_at_ns[place], wait_ns = rate.take(self._full_at_ns[place], now_ns)
        return wait_ns

    def _place(self, tag: int) -> int:
        """Returns the place of a key's bucket; a key without one gets the fullest that there is."""
        place = self._places.get(tag, 0)
        if self._tags[place] != tag:
            tags, times = self._tags.tolist(), self._full_at_ns.tolist()
            place = tags.index(tag) if tag in tags else times.index(min(times))
            if self._tags[place] != tag:
                self._full_at_ns[place] = 0
                self._tags[place] = tag
            self._places[tag] = place
        return place

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._threads:
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._handle, fcntl.LOCK_UN)
