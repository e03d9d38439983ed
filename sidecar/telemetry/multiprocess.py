"""Lets several processes count together: each writes files of its own, and all read them.

Source: the client library's multiprocess mode, https://prometheus.github.io/client_python/multiprocess/.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library looks for it once, when it is loaded
# In memory, as counting must not wait for a disk. mkdtemp draws names that others can't guess.
MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108
PREFIX = "similarity-metrics-"
OWNER = "owner"  # locked as long as a process lives that uses the folder

_ended: set[int] = set()  # processes whose files have yet to be merged


@contextmanager
def share() -> Iterator[None]:
    """Lets this process and its children count together; must come before the library is loaded."""
    memory = MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir())
    sweep(memory)
    folder, owner = Path(tempfile.mkdtemp(prefix=PREFIX, dir=memory)), os.getpid()
    lock = _own(folder)
    os.environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        if os.getpid() == owner:  # a forked child comes here too
            shutil.rmtree(folder)
            os.close(lock)


def sweep(memory: Path) -> None:
    """Removes the folders of services that were killed. One whose owner or a child of it lives is
    locked; one without a lock is just being made, or another release's, and stays."""
    for folder in memory.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or swept by another just now
            handle = os.open(folder / OWNER, os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(handle)


def folder() -> Path | None:
    """Returns the folder that the processes share; None in one that is alone."""
    shared = os.environ.get(FOLDER)
    return Path(shared) if shared else None


def process_ended(pid: int) -> None:
    """Forgets the requests that an ended process had in flight; what it counted stays."""
    from prometheus_client import multiprocess  # here: not before `share`

    from sidecar.telemetry import ended

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
    _ended.add(pid)
    _ended.intersection_update(ended.merge(Path(os.environ[FOLDER]), set(_ended)))


def _own(folder: Path) -> int:
    """Locks a folder for as long as this process or a fork of it lives; returns the handle."""
    new = folder / f"{OWNER}.new"
    handle = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    new.rename(folder / OWNER)  # only now can `sweep` see it
    return handle
