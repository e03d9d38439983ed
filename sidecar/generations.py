"""Generations of the index: folders that are written once, published at once, and never changed.

    index/CURRENT                the number of the generation that is searched, with its CRC-32
    index/000012/codes.faiss     4-bit codes, which pick candidates; labels are sequence numbers
                 features-1.f16, features-65537.f16
                                 float16 [n, D] segments, which rank them, named by their first seq
                 seqs.i64        the catalogue's sequence number of each row, ascending
                 crcs.u32        the CRC-32 of each row, from the catalogue
                 meta.json       what it is, with the size and SHA-256 of each file

`drafts.py` writes a generation beside the others; here it is renamed into place, and only then
CURRENT is replaced: a reader sees the old one or the new one, whole. A reader that still holds an
old one keeps its files, mapped, even when they have left the folder.
"""

import logging
import os
import shutil
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.contract import sha256_of
from sidecar.errors import IndexDamaged, NoIndex
from sidecar.index import Index
from sidecar.meta import CODES, CRC, CRCS, FEATURES, SEQ, SEQS, Meta

log = logging.getLogger(__name__)

CURRENT = "CURRENT"

Kind = TypeVar("Kind", bound=np.generic)


class Generation:
    """An open generation: its codes and features are mapped, shared by all processes."""

    def __init__(self, folder: Path) -> None:
        """Open a folder. Codes and numbers are read and held against their SHA-256 now; of the
        features, which are many times larger, the sizes now, and each row when it is used.

        Raises:
            IndexDamaged: a file is missing or not what `meta.json` says.
        """
        try:
            self.folder = folder
            self.number = int(folder.name)
            self.meta = Meta.read(folder)
            for name in self.meta.files:
                self._check(name, whole=name not in self.meta.segments)
            self.index = Index.map(folder / CODES, self.meta.dimension)
            self.seqs: NDArray[np.int64] = _mapped(folder / SEQS, SEQ)
            self.crcs: NDArray[np.uint32] = _mapped(folder / CRCS, CRC)
            self._segments = [
                _mapped(folder / name, FEATURES).reshape(rows, self.meta.dimension)
                for name, rows in self.meta.segments.items()
            ]
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise IndexDamaged(f"generation {folder.name} of the index: {error}") from error
        self._ends = np.cumsum(list(self.meta.segments.values()), dtype=np.int64)

    def holding(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of these sequence numbers, int64 [n], that the generation holds."""
        positions = np.searchsorted(self.seqs, seqs)
        inside = positions < len(self.seqs)
        held: NDArray[np.int64] = seqs[inside][self.seqs[positions[inside]] == seqs[inside]]
        return held

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        """The features of images that it holds.

        Args:
            seqs: int64 [n].
        Returns:
            float16 [n, D].
        Raises:
            IndexDamaged: it holds no such image, or a row is not what was stored.
        """
        positions = np.searchsorted(self.seqs, seqs)
        known = positions < len(self.seqs)
        if not known.all() or not np.array_equal(self.seqs[positions], seqs):
            raise IndexDamaged(f"generation {self.folder.name}: its codes name unknown images")
        rows = np.empty((len(seqs), self.meta.dimension), FEATURES)
        owners = np.searchsorted(self._ends, positions, side="right")
        for owner in np.unique(owners):
            own = owners == owner
            segment = self._segments[owner]
            rows[own] = segment[positions[own] - (self._ends[owner] - len(segment))]
        if [zlib.crc32(row.data) for row in rows] != self.crcs[positions].tolist():
            raise IndexDamaged(f"generation {self.folder.name}: features are not what was stored")
        return rows

    def damage(self) -> Iterator[str]:
        """Every file read through and held against its SHA-256: a sentence for each that fails."""
        for name in self.meta.files:
            try:
                self._check(name, whole=True)
            except (OSError, ValueError) as error:
                yield f"generation {self.folder.name} of the index: {error}"

    def _check(self, name: str, whole: bool) -> None:
        path, seal = self.folder / name, self.meta.files[name]
        if path.stat().st_size != seal.bytes:
            raise ValueError(f"{name} is not {seal.bytes} bytes long")
        if whole and sha256_of(path) != seal.sha256:
            raise ValueError(f"{name} is not what was written")


class Generations:
    """The folder of generations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: Generation | None = None
        self._seen: tuple[int, int] | None = None
        self._opening = threading.Lock()
        self._condemned: dict[int, str] = {}

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
        opened = self._opened
        if opened is None or seen != self._seen:
            with self._opening:
                opened = self._opened
                if opened is None or seen != self._seen:
                    opened = self._opened = self._open()
                    self._seen = seen
        return opened

    def condemn(self, generation: Generation, error: IndexDamaged) -> None:
        """Search this one no more: the one before takes its place."""
        log.error("%s", error)
        with self._opening:
            self._condemned[generation.number] = str(error)
            if self._opened is generation:
                self._opened = None

    def publish(self, draft: Path, keep: int) -> int:
        """Make a sealed draft the current generation.

        Args:
            keep: generations that stay in the folder, the new one among them.
        Returns:
            its number.
        """
        number = 1 + max(self.numbers(), default=0)
        self.put(draft, number)
        for old in self.numbers()[:-keep]:
            shutil.rmtree(self.path(old))
        return number

    def put(self, folder: Path, number: int) -> None:
        """Make a folder that is on the disk the current generation, under this number."""
        folder.rename(self.path(number))
        sync(self.folder)
        written = self.folder / f"{CURRENT}.next"
        written.write_text(_signed(number))
        sync(written)
        written.replace(self.folder / CURRENT)
        sync(self.folder)

    def current_number(self) -> int:
        """What CURRENT says.

        Raises:
            NoIndex: there is none.
            IndexDamaged: it is not what was written.
        """
        try:
            text = (self.folder / CURRENT).read_text(errors="replace")
        except FileNotFoundError as error:
            raise NoIndex("there is no index yet: train first") from error
        number = text.split(" ")[0]
        if not number.isdecimal() or text != _signed(int(number)):
            raise IndexDamaged(f"{self.folder / CURRENT} is not what was written")
        return int(number)

    def numbers(self) -> list[int]:
        """The generations in the folder, ascending."""
        if not self.folder.exists():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    def path(self, number: int) -> Path:
        return self.folder / f"{number:06d}"

    def bytes_used(self) -> int:
        """Of all files in the folder; one that generations share counts once."""
        status = [path.stat() for path in self.folder.rglob("*") if path.is_file()]
        return sum({each.st_ino: each.st_size for each in status}.values())

    def _open(self) -> Generation:
        while True:
            current = self._newest()
            try:
                return self._open_from(current)
            except IndexDamaged:
                if current == self._newest():
                    raise  # else it was only replaced, and cleared away, in between

    def _newest(self) -> int:
        try:
            return self.current_number()
        except IndexDamaged as error:
            log.error("%s", error)
            return max(self.numbers(), default=0)

    def _open_from(self, current: int) -> Generation:
        """The current generation, or where it is damaged the newest one before it."""
        trouble: list[str] = []
        for number in reversed(self.numbers()):
            if number > current:
                continue
            if number in self._condemned:
                trouble.append(self._condemned[number])
                continue
            try:
                return Generation(self.path(number))
            except IndexDamaged as error:
                log.error("%s", error)
                trouble.append(str(error))
        raise IndexDamaged("; ".join(trouble) or f"generation {current} of the index is missing")


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _mapped(path: Path, kind: "np.dtype[Kind]") -> NDArray[Kind]:
    """A file as an array; an empty one can't be mapped."""
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)


def _signed(number: int) -> str:
    return f"{number} {zlib.crc32(str(number).encode()):08x}\n"
