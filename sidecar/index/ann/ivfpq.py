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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import inverted_lists as lists
from sidecar.index.ann.device import Device
from sidecar.index.ann.exact import widen

VALUES_PER_CODE = 8  # of a vector, for each 4-bit code
POINTS_PER_LIST = 39  # the fewest that k-means takes without complaint
ITERATIONS = 10  # of k-means; FAISS takes as many for IVF
SAMPLE_PER_LIST = 128  # of training vectors; more did not change recall
SAMPLE_MOST = 1 << 18  # of training vectors: 1.3 GB of them, where they have 1,280 values


@dataclass(frozen=True)
class SearchParams:
    """How far a search looks: the lists that it visits, and the candidates that it takes."""

    lists: int
    candidates: int


class Index:
    """FAISS' IVF; a vector's label is the number of its image.

    It is kept in two files: what was trained, and the lists.
    """

    def __init__(self, index: Any, dimension: int, centres: NDArray[np.float32]) -> None:
        self._index = index
        self._centres = centres
        self._norms = np.square(centres).sum(axis=1)
        self._trained: NDArray[np.uint8] | None = None  # of one that can be saved
        self._held: Any = None  # the lists of a mapped one, which FAISS only borrows
        self.dimension = dimension

    @classmethod
    def _empty(cls, index: Any, dimension: int) -> "Index":
        """An index in memory, trained, with nothing in it."""
        made = cls(index, dimension, index.quantizer.reconstruct_n(0, index.nlist))
        made._trained = faiss.serialize_index(index)
        return made

    @classmethod
    def train(
        cls,
        sample: NDArray[np.float32],
        size: int,
        device: Device | None = None,
        report: Callable[[float], None] = lambda share: None,
    ) -> "Index":
        """Make an empty index fit for `size` vectors.

        Args:
            sample: float32 [n, D], a random sample of them; `sample_size` tells how many do.
            size: how many vectors will be added, at least 1.
            device: where k-means runs; the CPU if it is not given.
            report: is told how much of k-means is done, 0..1; what it raises stops the training.
        """
        if len(sample) < POINTS_PER_LIST:  # fewer than k-means takes: repeated
            sample = np.resize(sample, (POINTS_PER_LIST, sample.shape[1]))
        padded = _pad(sample)
        width = padded.shape[1]
        spec = f"IVF{lists_for(size)},PQ{width // VALUES_PER_CODE}x4fs"
        index: Any = faiss.index_factory(width, spec, faiss.METRIC_L2)
        index.quantizer.add(_centroids(padded, index.nlist, device or Device(), report))
        index.train(padded)  # of the codes: the lists have their centres
        return cls._empty(index, sample.shape[1])

    @classmethod
    def exact(cls, dimension: int) -> "Index":
        """Make an empty index that holds full features and compares each with a query."""
        width = dimension + -dimension % VALUES_PER_CODE
        index: Any = faiss.index_factory(width, "IVF1,SQfp16", faiss.METRIC_L2)
        index.by_residual = False  # or float16 would round what was float16 already
        index.train(np.zeros((POINTS_PER_LIST, width), np.float32))
        return cls._empty(index, dimension)

    @classmethod
    def map(cls, trained: Path, in_lists: Path, dimension: int) -> "Index":
        """Map an index for searching: processes share its memory. It can't be changed.

        Raises:
            OSError, RuntimeError, ValueError: the files are not those of an index.
        """
        index: Any = faiss.read_index(str(trained), faiss.IO_FLAG_MMAP_IFC)
        centres, held = lists.mapped(index, in_lists)
        index.replace_invlists(held)
        index.ntotal = held.compute_ntotal()
        made = cls(index, dimension, centres)
        made._held = held
        return made

    @classmethod
    def load(cls, trained: Path, in_lists: Path, dimension: int) -> "Index":
        """Read an index into memory, to change it; errors as `map`."""
        index: Any = faiss.read_index(str(trained))
        made = cls._empty(index, dimension)
        _, held = lists.mapped(index, in_lists)
        for one in range(index.nlist):
            if size := held.list_size(one):
                index.invlists.add_entries(one, size, held.get_ids(one), held.get_codes(one))
        index.ntotal = held.compute_ntotal()
        return made

    def save(self, trained: Path, in_lists: Path) -> None:
        """Write an index that was not mapped."""
        assert self._trained is not None
        trained.write_bytes(self._trained.tobytes())
        lists.write(self._index, self._centres, in_lists)

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
        self, queries: NDArray[np.float32], reach: SearchParams, without: "ExcludeIds | None" = None
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
        wide, visited = _pad(queries), min(self.lists, reach.lists)
        nearest = np.argpartition(self._nearness(wide), visited - 1, axis=1)[:, :visited]
        nearest = np.ascontiguousarray(nearest)
        unused = np.zeros(nearest.shape, np.float32)  # codes are of the vectors themselves
        count = min(self.size, reach.candidates)
        dist = np.empty((len(queries), count), np.float32)
        found = np.empty((len(queries), count), np.int64)
        parameters = faiss.SearchParametersIVF(  # type: ignore[call-arg]
            nprobe=visited, sel=without.selector if without else None
        )
        pointers = [faiss.swig_ptr(one) for one in (wide, nearest, unused, dist, found)]
        self._index.search_preassigned_c(
            len(queries), pointers[0], count, *pointers[1:], False, parameters
        )
        return found

    def visits(self, queries: NDArray[np.float32]) -> NDArray[np.int64]:
        """In which turn a search for each query, float32 [n, D], visits each list.

        Returns:
            int64 [n, lists], from 0 on.
        """
        order = np.argsort(self._nearness(_pad(queries)), axis=1)
        turns: NDArray[np.int64] = np.empty_like(order)
        np.put_along_axis(turns, order, np.arange(self.lists)[None], axis=1)
        return turns

    def _nearness(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """How far each list's centre is from each query, but for a number that is the query's own.

        numpy multiplies a vector with a matrix in a sixth of the time that FAISS takes to compare
        one query with 2,000 centres.
        """
        far: NDArray[np.float32] = self._norms - 2 * (queries @ self._centres.T)
        return far

    def holdings(self) -> list[NDArray[np.int64]]:
        """The labels in each list."""
        held = self._index.invlists
        return [
            faiss.rev_swig_ptr(held.get_ids(one), held.list_size(one)).copy()
            if held.list_size(one)
            else np.empty(0, np.int64)
            for one in range(self.lists)
        ]

    def imbalance(self) -> float:
        """1 where all lists are as long, and as many times that as an average search costs more."""
        return float(self._index.invlists.imbalance_factor()) if self.size else 1.0

    def distance(self, rows: NDArray[np.float16]) -> float:
        """The mean squared L2 distance of vectors, float16 [n, D], from the nearest centroid."""
        return float(self._index.quantizer.search(_pad(widen(rows)), 1)[0].mean())


class ExcludeIds:
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


def _centroids(
    sample: NDArray[np.float32], count: int, device: Device, report: Callable[[float], None]
) -> NDArray[np.float32]:
    """K-means, one iteration after the other: float32 [count, D]."""
    clustering: Any = faiss.Clustering(sample.shape[1], count)
    clustering.niter = 1
    flat = device.flat(sample.shape[1])
    for done in range(ITERATIONS):
        clustering.train(sample, flat)  # from the centroids that it has, once it has some
        report((done + 1) / ITERATIONS)
    centroids: NDArray[np.float32] = faiss.vector_to_array(clustering.centroids)
    return centroids.reshape(count, -1)


def _pad(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Zeros up to a whole number of codes; they change no distance."""
    missing = -vectors.shape[1] % VALUES_PER_CODE
    padded = np.pad(vectors, ((0, 0), (0, missing))) if missing else vectors
    return np.ascontiguousarray(padded, np.float32)
