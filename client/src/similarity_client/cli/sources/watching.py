"""Folders that are looked at again and again: what is new or changed, once it stays as it is."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from similarity_client.cli.sources import Chosen, entries
from similarity_client.cli.tables import Table
from similarity_client.upload import Entry

LOOK_S = 2.0  # between two looks, over which a file has to stay as it is


def watched(
    chosen: Chosen, stopped: threading.Event, say: Callable[[str], None]
) -> Iterator[Entry | None]:
    """Yields each image once it is there, and again once it has changed, until `stopped`; None
    after each look. A file that is still being written waits until its size and its time stay."""
    stamps = Table()
    while not stopped.is_set():
        for entry in entries(chosen, stopped, say):
            if _is_due(entry.path, stamps):
                yield entry
        yield None
        stopped.wait(LOOK_S)


def _is_due(path: Path, stamps: Table) -> bool:
    """Says whether a file is as it was at the last look, and was not sent so before."""
    try:
        now = path.stat()
    except OSError:
        return False  # gone again
    seen = f"{now.st_size} {now.st_mtime_ns} {now.st_ino}"
    known = stamps.get(str(path))
    if known == f"sent {seen}":
        return False
    stamps.put(str(path), f"sent {seen}" if known == seen else seen)
    return known == seen
