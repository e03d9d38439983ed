"""Several processes that count together, each in files of its own that all read.

Source: the client library's multiprocess mode, https://prometheus.github.io/client_python/multiprocess/.
"""

import os
import tempfile
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library looks for it once, when it is loaded
MEMORY = Path("/dev/shm")  # noqa: S108 - counting must not wait for a disk


def share() -> "tempfile.TemporaryDirectory[str]":
    """Have the processes of this one count together; before any of them loads the library.

    Returns:
        the folder of their files, gone with this object.
    """
    memory = MEMORY if MEMORY.is_dir() else None
    folder = tempfile.TemporaryDirectory(prefix="similarity-metrics-", dir=memory)
    os.environ[FOLDER] = folder.name
    return folder


def process_ended(pid: int) -> None:
    """What a process had in hand it has no more; what it counted stays."""
    from prometheus_client import multiprocess  # not before `share`

    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
