"""One generation of the index, open: what it holds, and whether that is what was written."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.contract import sha256_of
from sidecar.errors import IndexDamaged
from sidecar.index import Index
from sidecar.meta import CODES, CRC, CRCS, FEATURES, SEQ, SEQS, Meta

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


def _mapped(path: Path, kind: "np.dtype[Kind]") -> NDArray[Kind]:
    """A file as an array; an empty one can't be mapped."""
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)
