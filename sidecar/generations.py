"""Generations of the index: folders that are written once, published at once, and never changed.

    index/CURRENT                the number of the generation that is searched
    index/000012/codes.faiss     4-bit codes, which pick candidates
                 features-1.f16, features-1201.f16
                                 float16 [n, D] segments, which rank them, named by their first seq
                 seqs.i64        the catalogue's sequence number of each position
                 meta.json       what it is, with the size and SHA-256 of each file

`drafts.py` writes a generation beside the others; here it is renamed into place, and only then
CURRENT is replaced: a reader sees the old one or the new one, whole. A reader that still holds an
old one keeps its files, mapped, even when they have left the folder.
"""

import logging
import os
import shutil
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import IndexDamaged, NoIndex
from sidecar.index import Index
from sidecar.meta import CODES, FEATURES, SEQ, SEQS, Meta

log = logging.getLogger(__name__)

CURRENT = "CURRENT"


class Generation:
    """An open generation: its codes and features are mapped, shared by all processes."""

    def __init__(self, folder: Path) -> None:
        """Open a folder; damage that a size tells is noticed.

        Raises:
            IndexDamaged: a file is missing or not what `meta.json` says.
        """
        try:
            self.folder = folder
            self.number = int(folder.name)
            self.meta = Meta.read(folder)
            for name, seal in self.meta.files.items():
                if (folder / name).stat().st_size != seal.bytes:
                    raise ValueError(f"{name} is not {seal.bytes} bytes long")
            self.index = Index.map(folder / CODES, self.meta.dimension)
            self.seqs: NDArray[np.int64] = np.memmap(folder / SEQS, SEQ, "r")
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise IndexDamaged(f"generation {folder.name} of the index: {error}") from error
        self._segments = [
            np.memmap(folder / name, FEATURES, "r", shape=(rows, self.meta.dimension))
            for name, rows in self.meta.segments.items()
        ]
        self._ends = np.cumsum(list(self.meta.segments.values()))

    def features(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """The features at these positions, int64 [n], as float32 [n, D]."""
        rows = np.empty((len(positions), self.meta.dimension), np.float32)
        owners = np.searchsorted(self._ends, positions, side="right")
        for owner in np.unique(owners):
            own = owners == owner
            segment = self._segments[owner]
            rows[own] = segment[positions[own] - (self._ends[owner] - len(segment))]
        return rows


class Generations:
    """The folder of generations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: Generation | None = None
        self._seen: tuple[int, int] | None = None
        self._opening = threading.Lock()

    def current(self) -> Generation:
        """The generation to search with; a newly published one from the next call on.

        Raises:
            NoIndex: none was ever published.
            IndexDamaged: none that is left can be opened.
        """
        try:
            status = (self.folder / CURRENT).stat()
        except FileNotFoundError as error:
            raise NoIndex("there is no index yet: train first") from error
        seen = (status.st_ino, status.st_mtime_ns)
        if seen != self._seen or self._opened is None:
            with self._opening:
                if seen != self._seen or self._opened is None:
                    self._opened = self._open()
                    self._seen = seen
        return self._opened

    def publish(self, draft: Path, keep: int) -> int:
        """Make a sealed draft the current generation.

        Args:
            keep: generations that stay in the folder, the new one among them.
        Returns:
            its number.
        """
        number = 1 + max(self._numbers(), default=0)
        draft.rename(self._path(number))
        sync(self.folder)
        written = self.folder / f"{CURRENT}.next"
        written.write_text(f"{number}\n")
        sync(written)
        written.replace(self.folder / CURRENT)
        sync(self.folder)
        for old in sorted(self._numbers())[:-keep]:
            shutil.rmtree(self._path(old))
        return number

    def _open(self) -> Generation:
        while True:
            current = (self.folder / CURRENT).read_text()
            try:
                return self._open_from(int(current))
            except IndexDamaged:
                if current == (self.folder / CURRENT).read_text():
                    raise  # else it was only replaced, and cleared away, in between

    def _open_from(self, current: int) -> Generation:
        """The current generation, or where it is damaged the newest one before it."""
        trouble: list[str] = []
        for number in sorted(self._numbers(), reverse=True):
            if number <= current:
                try:
                    return Generation(self._path(number))
                except IndexDamaged as error:
                    log.error("%s", error)
                    trouble.append(str(error))
        raise IndexDamaged("; ".join(trouble) or f"generation {current} of the index is missing")

    def _numbers(self) -> list[int]:
        return [int(path.name) for path in self.folder.iterdir() if path.name.isdecimal()]

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}"


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
