"""Lets several processes count together: each writes files of its own, and all read them.

Source: the client library's multiprocess mode, https://prometheus.github.io/client_python/multiprocess/.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library looks for it once, when it is loaded
# In memory, as counting must not wait for a disk. mkdtemp draws names that others can't guess.
MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108


@contextmanager
def share() -> Iterator[None]:
    """Lets this process and its children count together; must come before the library is loaded."""
    memory = MEMORY if MEMORY.is_dir() else None
    folder, owner = tempfile.mkdtemp(prefix="similarity-metrics-", dir=memory), os.getpid()
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        if os.getpid() == owner:  # a forked child comes here too
            shutil.rmtree(folder)


def process_ended(pid: int) -> None:
    """Forgets the requests that an ended process had in flight; what it counted stays."""
    from prometheus_client import multiprocess  # here: not before `share`

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
