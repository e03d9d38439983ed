"""The full features of a generation: float16 rows, by sequence number, in files of many."""

import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import IndexDamaged
from sidecar.index.ann import widen
from sidecar.index.places import places_among

SEQS = "seqs.i64"
CRCS = "crcs.u32"
FEATURES = np.dtype("<f2")
SEQ = np.dtype("<i8")
CRC = np.dtype("<u4")
ROWS_AT_ONCE = 16_384

Scalar = TypeVar("Scalar", bound=np.generic)
Chunk = tuple[NDArray[np.int64], NDArray[np.float32]]  # sequence numbers [n], features [n, D]


class Rows(Protocol):
    """Images with features that are read.

    Attributes:
        seqs: int64 [n] ascending, their sequence numbers.
    """

    @property
    def seqs(self) -> NDArray[np.int64]: ...

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        """Returns the features of some of them, int64 [n]: float16 [n, D]."""

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        """Walks over those from place `start` to `stop`."""


class Segments:
    """Reads the files of features of a generation, which never change.

    Attributes:
        seqs: int64 [n] ascending, the sequence number of each row of all files.
        crcs: uint32 [n], the CRC-32 of each.
    """

    def __init__(self, folder: Path, rows: dict[str, int], dimension: int) -> None:
        """Maps the files of a folder.

        Args:
            rows: how many each file of features has, by its name, in order.
            dimension: of the features.
        """
        self.folder = folder
        self.rows = rows
        self.dimension = dimension
        self.seqs: NDArray[np.int64] = mapped(folder / SEQS, SEQ)
        self.crcs: NDArray[np.uint32] = mapped(folder / CRCS, CRC)
        self._row_bytes = FEATURES.itemsize * dimension
        self._files = [
            _bytes(folder / name, count * self._row_bytes) for name, count in rows.items()
        ]
        self._ends = np.cumsum(list(rows.values()), dtype=np.int64)
        self._firsts = np.append(0, self._ends)

    def holding(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns those of some sequence numbers, int64 [n], that are here."""
        return np.asarray(seqs[places_among(seqs, self.seqs) >= 0], np.int64)

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        """Returns the features of images that are here.

        Args:
            seqs: int64 [n].
        Returns:
            float16 [n, D].
        Raises:
            IndexDamaged: there is no such image, or a row is not what was stored.
        """
        positions = places_among(seqs, self.seqs)
        if (positions < 0).any():
            raise IndexDamaged(f"generation {self.folder.name}: its codes name unknown images")
        owners = np.searchsorted(self._ends, positions, side="right")
        starts = (positions - self._firsts[owners]) * self._row_bytes
        rows = [
            self._files[owner][start : start + self._row_bytes]
            for owner, start in zip(owners.tolist(), starts.tolist(), strict=True)
        ]
        if list(map(zlib.crc32, rows)) != self.crcs[positions].tolist():
            raise IndexDamaged(f"generation {self.folder.name}: features are not what was stored")
        return np.frombuffer(b"".join(rows), FEATURES).reshape(-1, self.dimension)

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[Chunk]:
        """Walks over the rows from `start` to `stop`; each chunk is overwritten by the next one."""
        wide = np.empty((ROWS_AT_ONCE, self.dimension), np.float32)
        for first, rows in self._walk(start, len(self.seqs) if stop is None else stop):
            yield self.seqs[first : first + len(rows)], widen(rows, wide[: len(rows)])

    def sample(self, count: int) -> NDArray[np.float32]:
        """Draws `count` rows without replacement, always the same: float32 [count, D]."""
        drawn = np.sort(np.random.default_rng(0).choice(len(self.seqs), count, replace=False))
        sample = np.empty((count, self.dimension), np.float32)
        for first, rows in self._walk(0, len(self.seqs)):
            here = slice(*np.searchsorted(drawn, (first, first + len(rows))))
            widen(rows[drawn[here] - first], sample[here])
        return sample

    def _walk(self, start: int, stop: int) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """Yields the rows from `start` to `stop`, chunk by chunk, each with its first row's place.

        They are read, not mapped, into the same memory over and over: a walk over all takes no
        more memory than a chunk.
        """
        memory = np.empty((ROWS_AT_ONCE, self.dimension), FEATURES)
        first = 0
        for name, count in self.rows.items():
            for at in range(max(0, start - first), min(count, stop - first), ROWS_AT_ONCE):
                rows = memory[: min(ROWS_AT_ONCE, count - at, stop - first - at)]
                with (self.folder / name).open("rb", buffering=0) as file:
                    file.seek(at * self._row_bytes)
                    if file.readinto(rows.data) != rows.nbytes:
                        raise IndexDamaged(f"{self.folder / name} is cut short")
                yield first + at, rows
            first += count


def mapped(path: Path, dtype: "np.dtype[Scalar]") -> NDArray[Scalar]:
    """Maps a file of values. Errors are OSErrors; ValueError where its size is not theirs."""
    return np.frombuffer(_bytes(path, path.stat().st_size), dtype)


def _bytes(path: Path, size: int) -> memoryview:
    """Maps a file, unless it is empty, which can't be mapped.

    Rows are picked here and there: reading ahead would bring in thirty times what is asked for.
    """
    if not size:
        return memoryview(b"")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_RANDOM)
    return memoryview(mapped)
