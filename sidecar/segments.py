"""The full features of a generation: float16 rows, by sequence number, in files of many."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import IndexDamaged
from sidecar.index import widen

SEQS = "seqs.i64"
CRCS = "crcs.u32"
FEATURES = np.dtype("<f2")
SEQ = np.dtype("<i8")
CRC = np.dtype("<u4")
ROWS_AT_ONCE = 16_384

Kind = TypeVar("Kind", bound=np.generic)
Chunk = tuple[NDArray[np.int64], NDArray[np.float32]]  # sequence numbers [n], features [n, D]


class Segments:
    """Files that are read and never changed.

    Attributes:
        seqs: int64 [n] ascending, the sequence number of each row of all files.
        crcs: uint32 [n], the CRC-32 of each.
    """

    def __init__(self, folder: Path, rows: dict[str, int], dimension: int) -> None:
        """Map the files of a folder.

        Args:
            rows: how many each file of features has, by its name, in order.
        """
        self.folder = folder
        self.rows = rows
        self.dimension = dimension
        self.seqs: NDArray[np.int64] = _mapped(folder / SEQS, SEQ)
        self.crcs: NDArray[np.uint32] = _mapped(folder / CRCS, CRC)
        self._files = [
            _mapped(folder / name, FEATURES).reshape(count, dimension)
            for name, count in rows.items()
        ]
        self._ends = np.cumsum(list(rows.values()), dtype=np.int64)

    def holding(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of these sequence numbers, int64 [n], that are here."""
        positions = np.searchsorted(self.seqs, seqs)
        inside = positions < len(self.seqs)
        held: NDArray[np.int64] = seqs[inside][self.seqs[positions[inside]] == seqs[inside]]
        return held

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        """The features of images that are here.

        Args:
            seqs: int64 [n].
        Returns:
            float16 [n, D].
        Raises:
            IndexDamaged: there is no such image, or a row is not what was stored.
        """
        positions = np.searchsorted(self.seqs, seqs)
        known = positions < len(self.seqs)
        if not known.all() or not np.array_equal(self.seqs[positions], seqs):
            raise IndexDamaged(f"generation {self.folder.name}: its codes name unknown images")
        rows = np.empty((len(seqs), self.dimension), FEATURES)
        owners = np.searchsorted(self._ends, positions, side="right")
        for owner in np.unique(owners):
            own = owners == owner
            file = self._files[owner]
            rows[own] = file[positions[own] - (self._ends[owner] - len(file))]
        if [zlib.crc32(row.data) for row in rows] != self.crcs[positions].tolist():
            raise IndexDamaged(f"generation {self.folder.name}: features are not what was stored")
        return rows

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        """Walk over the rows from `start` to `stop`, in order.

        They are read, not mapped, into the same memory over and over: a walk over all takes no
        more than a chunk, and a chunk is gone with the next one.
        """
        stop = len(self.seqs) if stop is None else stop
        shape = (min(ROWS_AT_ONCE, max(0, stop - start)), self.dimension)
        rows, wide = np.empty(shape, FEATURES), np.empty(shape, np.float32)
        first = 0
        for name, count in self.rows.items():
            for at in range(max(0, start - first), min(count, stop - first), ROWS_AT_ONCE):
                size = min(ROWS_AT_ONCE, count - at, stop - first - at)
                with (self.folder / name).open("rb", buffering=0) as file:
                    file.seek(at * rows.itemsize * self.dimension)
                    if file.readinto(rows[:size].data) != rows[:size].nbytes:
                        raise IndexDamaged(f"{self.folder / name} is cut short")
                part = self.seqs[first + at : first + at + size]
                yield part, widen(rows[:size], wide[:size])
            first += count

    def sample(self, count: int) -> NDArray[np.float32]:
        """`count` of the rows, drawn without replacement, always the same: float32 [count, D]."""
        drawn = np.random.default_rng(0).choice(len(self.seqs), count, replace=False)
        seqs = np.sort(self.seqs[drawn])
        sample = np.empty((count, self.dimension), np.float32)
        filled = 0
        for own, vectors in self.chunks():
            chosen = vectors[np.isin(own, seqs, assume_unique=True)]
            sample[filled : filled + len(chosen)] = chosen
            filled += len(chosen)
        return sample


def _mapped(path: Path, kind: "np.dtype[Kind]") -> NDArray[Kind]:
    """A file as an array; an empty one can't be mapped."""
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)
