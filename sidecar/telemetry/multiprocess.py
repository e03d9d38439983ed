"""Several processes that count together, each in files of its own that all read.

Source: the client library's multiprocess mode, https://prometheus.github.io/client_python/multiprocess/.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library looks for it once, when it is loaded
# What must not wait for a disk. Others can't guess the names of what is made there: they are drawn.
MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108


@contextmanager
def share() -> Iterator[None]:
    """Have this process and its children count together; before any of them loads the library."""
    memory = MEMORY if MEMORY.is_dir() else None
    folder, owner = tempfile.mkdtemp(prefix="similarity-metrics-", dir=memory), os.getpid()
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        if os.getpid() == owner:  # a forked child comes through here as well
            shutil.rmtree(folder)


def process_ended(pid: int) -> None:
    """What a process had in hand it has no more; what it counted stays."""
    from prometheus_client import multiprocess  # not before `share`

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
