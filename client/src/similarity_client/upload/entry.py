"""What an upload adds, one by one and in groups: files of the disk, or whatever has bytes."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath

from similarity_client.photo import Source, source

GROUP = 100  # entries that are asked for at once
LARGEST_BYTES = 1 << 30  # an image that a service may be set to take
GROUP_BYTES = 8 << 20  # that the entries of a group hold in memory, about


def _nothing() -> None:
    """Is called where nothing has to be done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One image of an upload.

    Args:
        path: by which it is reported; of a member, its archive's and then its own.
        inner: of which its id is made.
        source: finds its bytes; raises OSError or SimilarityError where there are none.
        held_bytes: of memory, until `release` is called.
        release: is called once it was added or has failed.
        id: where it has one already, before anything was read.
    """

    path: Path
    inner: PurePath
    source: Callable[[], Source]
    held_bytes: int = 0
    release: Callable[[], None] = _nothing
    id: str | None = None


# None says that more will come only later: what there is goes on at once.
Entries = Iterable[str | os.PathLike[str] | Entry | None]


def of_path(path: Path, inner: PurePath | None = None) -> Entry:
    """Returns a file of the disk."""
    return Entry(path, inner or path, partial(source, path))


class Groups:
    """Groups of entries out of an iterable that is read no faster than they are taken."""

    def __init__(self, entries: Entries) -> None:
        self._entries = iter(entries)
        self._lock = threading.Lock()
        self._ended = False

    def __iter__(self) -> Iterator[list[Entry]]:
        while True:
            with self._lock:
                if self._ended:
                    return
                group = self._group()
            if group:
                yield group

    def _group(self) -> list[Entry]:
        group: list[Entry] = []
        held_bytes = 0
        for each in self._entries:
            if each is None:
                return group
            entry = each if isinstance(each, Entry) else of_path(Path(each))
            group.append(entry)
            held_bytes += entry.held_bytes
            if len(group) == GROUP or held_bytes >= GROUP_BYTES:
                return group
        self._ended = True
        return group
