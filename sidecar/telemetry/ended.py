"""What ended processes have counted, added up in one file for each kind of metric.

The library keeps the files of every process that ever counted, so that each reload leaves some and
each scrape reads them all. Here a file goes when its process has ended, and its numbers stay.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

KINDS = ("counter", "histogram")  # what adds up; gauges of the moment go with their process
ENDED = "ended"  # where the others have their process
LOCK = "lock"
PATIENCE_S = 1.0
PAUSE_S = 0.02


@contextmanager
def locked(folder: Path, how: int) -> Iterator[bool]:
    """Locks the files for a block: LOCK_SH to read them all, LOCK_EX to change which there are.

    Yields:
        whether the lock was there within a second: a reader may have been stopped.
    """
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _lock(handle, how)
    finally:
        os.close(handle)


def _lock(handle: int, how: int) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(PAUSE_S)
        else:
            return True


def merge(folder: Path, pids: set[int]) -> set[int]:
    """Adds up what processes have counted that have ended, and deletes their files.

    Returns:
        the processes whose files could not be merged yet.
    """
    with locked(folder, fcntl.LOCK_EX) as alone:
        if not alone or not _has_room(folder):
            return pids
        for pid in pids:
            for kind in KINDS:
                file = folder / f"{kind}_{pid}.db"
                if file.exists():
                    _add(file, folder / f"{kind}_{ENDED}.db")
                    file.unlink()
    return set()


def _has_room(folder: Path) -> bool:
    """Says whether there is room for what is merged: a file mapped into memory that finds none ends
    its process."""
    volume = os.statvfs(folder)
    size = sum(file.stat().st_size for file in folder.glob("*.db"))
    return volume.f_bavail * volume.f_frsize >= size


def _add(file: Path, total: Path) -> None:
    """Adds the numbers in a process's file to the total."""
    added_up = MmapedDict(str(total))  # type: ignore[no-untyped-call]
    try:
        for key, value, at, _ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            before, last = added_up.read_value(key)  # type: ignore[no-untyped-call]
            added_up.write_value(key, before + value, max(last, at))  # type: ignore[no-untyped-call]
    finally:
        added_up.close()  # type: ignore[no-untyped-call]
