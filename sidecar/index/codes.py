"""The index that a search looks through first. It picks candidates; full features rank them.

Vectors are split into lists around k-means centroids (IVF), of which a search visits the nearest
few. In a list each vector is a product quantiser's 4-bit codes, 32 of which are scanned at once in
registers. The codes are of the vectors themselves, not of what is left beside their centroid: with
1,280 values that ranked no worse, and a list costs no table of its own, which made a search of many
lists ten times faster. A small set is one list of its full features instead: an exact search.

Sources: Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", 2011; André,
Kermarrec, Le Scouarnec, "Quicker ADC", 2019.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sidecar.index.device import Device
from sidecar.index.exact import widen

VALUES_PER_CODE = 8  # of a vector, for each 4-bit code
POINTS_PER_LIST = 39  # the fewest that k-means takes without complaint
SAMPLE_PER_LIST = 128  # of training vectors; more did not change recall
SAMPLE_MOST = 1 << 18  # of training vectors: 1.3 GB of them, where they have 1,280 values


@dataclass(frozen=True)
class Reach:
    """How far a search looks: the lists that it visits, and the candidates that it takes."""

    lists: int
    candidates: int


class Index:
    """FAISS' IVF; a vector's label is the number of its image."""

    def __init__(self, index: Any, dimension: int) -> None:
        self._index = index
        self.dimension = dimension

    @classmethod
    def train(cls, sample: NDArray[np.float32], size: int, device: Device | None = None) -> "Index":
        """Make an empty index fit for `size` vectors.

        Args:
            sample: float32 [n, D], a random sample of them; `sample_size` tells how many do.
            size: how many vectors will be added, at least 1.
            device: where k-means runs; the CPU if it is not given.
        """
        if len(sample) < POINTS_PER_LIST:  # fewer than k-means takes: repeated
            sample = np.resize(sample, (POINTS_PER_LIST, sample.shape[1]))
        padded = _pad(sample)
        width = padded.shape[1]
        spec = f"IVF{lists_for(size)},PQ{width // VALUES_PER_CODE}x4fs"
        index: Any = faiss.index_factory(width, spec, faiss.METRIC_L2)
        index.clustering_index = clustering = (device or Device()).flat(width)
        index.train(padded)
        index.clustering_index = None
        del clustering  # not before: FAISS only borrows it
        return cls(index, sample.shape[1])

    @classmethod
    def exact(cls, dimension: int) -> "Index":
        """Make an empty index that holds full features and compares each with a query."""
        width = dimension + -dimension % VALUES_PER_CODE
        index: Any = faiss.index_factory(width, "IVF1,SQfp16", faiss.METRIC_L2)
        index.by_residual = False  # or float16 would round what was float16 already
        index.train(np.zeros((POINTS_PER_LIST, width), np.float32))
        return cls(index, dimension)

    @classmethod
    def load(cls, path: Path, dimension: int) -> "Index":
        """Read an index into memory, to change it."""
        return cls(faiss.read_index(str(path)), dimension)

    @classmethod
    def map(cls, path: Path, dimension: int) -> "Index":
        """Map an index for searching: processes share its memory. It can't be changed."""
        return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC), dimension)

    def save(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def lists(self) -> int:
        return int(self._index.nlist)

    def add(
        self,
        labels: NDArray[np.int64],
        vectors: NDArray[np.float32],
        device: Device | None = None,
    ) -> None:
        """Append vectors, float32 [n, D], under labels, int64 [n]."""
        with (device or Device()).assigning(self._index):
            self._index.add_with_ids(_pad(vectors), np.ascontiguousarray(labels))

    def remove(self, labels: NDArray[np.int64]) -> None:
        """Take vectors out, with their codes."""
        self._index.remove_ids(np.ascontiguousarray(labels))

    def candidates(
        self, queries: NDArray[np.float32], reach: Reach, without: "Without | None" = None
    ) -> NDArray[np.int64]:
        """Labels of the vectors that are nearest to each query by their codes.

        Args:
            queries: float32 [n, D].
            without: vectors to leave out.
        Returns:
            int64 [n, reach.candidates], nearest first; -1 where there are no more.
        """
        if not self.size:
            return np.full((len(queries), 0), -1, np.int64)
        parameters = faiss.SearchParametersIVF(  # type: ignore[call-arg]
            nprobe=min(self.lists, reach.lists), sel=without.selector if without else None
        )
        count = min(self.size, reach.candidates)
        found: NDArray[np.int64] = self._index.search(_pad(queries), count, params=parameters)[1]
        return found

    def visits(self, queries: NDArray[np.float32]) -> NDArray[np.int64]:
        """In which turn a search for each query, float32 [n, D], visits each list.

        Returns:
            int64 [n, lists], from 0 on.
        """
        _, order = self._index.quantizer.search(_pad(queries), self.lists)
        turns: NDArray[np.int64] = np.empty_like(order)
        np.put_along_axis(turns, order, np.arange(self.lists)[None], axis=1)
        return turns

    def holdings(self) -> list[NDArray[np.int64]]:
        """The labels in each list."""
        lists = self._index.invlists
        return [
            faiss.rev_swig_ptr(lists.get_ids(one), lists.list_size(one)).copy()
            if lists.list_size(one)
            else np.empty(0, np.int64)
            for one in range(self.lists)
        ]

    def imbalance(self) -> float:
        """1 where all lists are as long, and as many times that as an average search costs more."""
        return float(self._index.invlists.imbalance_factor()) if self.size else 1.0

    def distance(self, rows: NDArray[np.float16]) -> float:
        """The mean squared L2 distance of vectors, float16 [n, D], from the nearest centroid."""
        return float(self._index.quantizer.search(_pad(widen(rows)), 1)[0].mean())


class Without:
    """A set of labels that a search leaves out, made once for many searches."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self.labels = labels
        chosen = faiss.IDSelectorBatch(np.ascontiguousarray(labels))
        self.selector = faiss.IDSelectorNot(chosen)


def lists_for(size: int) -> int:
    """How many lists split `size` vectors: twice the root of their number, each with enough to
    train.

    Measured at a million: half as many lists had to scan three to five times the codes for the same
    recall.
    """
    return max(1, min(2 * math.isqrt(size), size // POINTS_PER_LIST))


def sample_size(size: int) -> int:
    """How many of `size` vectors a training looks at."""
    return min(size, SAMPLE_MOST, max(SAMPLE_PER_LIST * lists_for(size), 10_000))


def _pad(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zeros up to a whole number of codes; they change no distance."""
    missing = -vectors.shape[1] % VALUES_PER_CODE
    padded = np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors
    return np.ascontiguousarray(padded, np.float32)
