"""The index that a search looks through first. It picks candidates; full features rank them.

Features are split into lists around k-means centres (IVF), of which a search visits the nearest
few. In a list, the features of an image are a product quantiser's 4-bit codes, 32 of which are
scanned at once in registers. The codes are of the features themselves, not of what is left beside
their centre: with 1,280 dimensions that ranked no worse, and a list costs no table of its own,
which made a search of many lists ten times faster. A small set is one list of its full features
instead: an exact search.

Sources: Jégou, Douze, Schmid, "Product quantization for nearest neighbor search", 2011; André,
Kermarrec, Le Scouarnec, "Quicker ADC", 2019.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import clustering, inverted_lists
from sidecar.index.ann.clustering import POINTS_PER_LIST
from sidecar.index.ann.compact import Compact
from sidecar.index.ann.device import Device
from sidecar.index.ann.exact import widen
from sidecar.index.ann.selection import ExcludeIds, IncludeIds

# Features of an image that share a 4-bit code. Of 512, fours find with half the candidates what
# eights do, and a search of a million images takes two thirds of the time, for 3 % more bytes; of
# 1,280, fours took half as long again to scan.
FEW_FEATURES, MOST_IN_FOURS = 4, 768
MANY_FEATURES = 8


def values_per_code(dimension: int) -> int:
    """Returns how many of an image's features share a code."""
    return FEW_FEATURES if dimension <= MOST_IN_FOURS else MANY_FEATURES


@dataclass(frozen=True)
class SearchParams:
    """How far a search looks: the lists that it visits, and the candidates that it takes."""

    lists: int
    candidates: int


class Index:
    """FAISS' IVF; the label of features is the number of their image.

    It is kept in two files: what was trained, and the lists.
    """

    def __init__(self, index: Any, dimension: int, centres: NDArray[np.float32]) -> None:
        self._index = index
        self._centres = centres
        self._norms = np.square(centres).sum(axis=1)
        self._trained: NDArray[np.uint8] | None = None  # only where it can be saved
        self._mapped_lists: Any = None  # FAISS only borrows the lists of a mapped index
        self.dimension = dimension

    @classmethod
    def _empty(cls, index: Any, dimension: int) -> "Index":
        """Makes an index in memory, trained, with nothing in it."""
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
        """Makes an empty index fit for the features of `size` images.

        Args:
            sample: float32 [n, D], a random sample of them; `sample_size` says how many will do.
            size: how many images will be added, at least 1.
            device: where k-means runs; the CPU if it is not given.
            report: called with the share of k-means that is done, 0..1; what it raises stops the
                training.
        """
        if len(sample) < POINTS_PER_LIST:  # fewer than k-means takes: repeated
            sample = np.resize(sample, (POINTS_PER_LIST, sample.shape[1]))
        width, values = _width(sample.shape[1]), values_per_code(sample.shape[1])
        padded = _padded(sample, width)
        spec = f"IVF{clustering.lists_for(size)},PQ{width // values}x4fs"
        index: Any = faiss.index_factory(width, spec, faiss.METRIC_L2)
        centres = clustering.centres(padded, index.nlist, device or Device(), report)
        index.quantizer.add(centres)
        index.train(padded)  # of the codes: the lists have their centres
        return cls._empty(index, sample.shape[1])

    @classmethod
    def exact(cls, dimension: int) -> "Index":
        """Makes an empty index that holds full features and compares each with a query."""
        width = _width(dimension)
        index: Any = faiss.index_factory(width, "IVF1,SQfp16", faiss.METRIC_L2)
        index.by_residual = False  # or float16 would round what was float16 already
        index.train(np.zeros((POINTS_PER_LIST, width), np.float32))
        return cls._empty(index, dimension)

    @classmethod
    def map(cls, trained: Path, lists: Path, dimension: int) -> "Index":
        """Maps an index for searching: processes share its memory. It can't be changed.

        Raises:
            OSError, RuntimeError, ValueError: the files are not those of an index.
        """
        index: Any = faiss.read_index(str(trained), faiss.IO_FLAG_MMAP_IFC)
        centres, mapped = inverted_lists.mapped(index, lists)
        index.replace_invlists(mapped)
        index.ntotal = mapped.compute_ntotal()
        made = cls(index, dimension, centres)
        made._mapped_lists = mapped
        return made

    @classmethod
    def load(cls, trained: Path, lists: Path, dimension: int) -> "Index":
        """Reads an index into memory, to change it; errors as `map`."""
        index: Any = faiss.read_index(str(trained))
        made = cls._empty(index, dimension)
        _, mapped = inverted_lists.mapped(index, lists)
        for number in range(index.nlist):
            if size := mapped.list_size(number):
                labels, codes = mapped.get_ids(number), mapped.get_codes(number)
                index.invlists.add_entries(number, size, labels, codes)
        index.ntotal = mapped.compute_ntotal()
        return made

    def save(self, trained: Path, lists: Path) -> None:
        """Writes an index that was not mapped."""
        assert self._trained is not None
        trained.write_bytes(self._trained.tobytes())
        inverted_lists.write(self._index, self._centres, lists)

    @property
    def size(self) -> int:
        """How many images are in it."""
        return int(self._index.ntotal)

    @property
    def lists(self) -> int:
        """How many lists it has."""
        return int(self._index.nlist)

    @property
    def codes_per_image(self) -> int:
        """How many codes stand for an image; where there are none, all its values do."""
        return int(self._index.pq.M) if hasattr(self._index, "pq") else self.dimension

    def add(
        self,
        labels: NDArray[np.int64],
        features: NDArray[np.float32],
        device: Device | None = None,
    ) -> None:
        """Appends features, float32 [n, D], under labels, int64 [n]."""
        with (device or Device()).assigning(self._index):
            self._index.add_with_ids(self._pad(features), np.ascontiguousarray(labels))

    def remove(self, labels: NDArray[np.int64]) -> None:
        """Takes images out, with their codes; unknown labels are passed over."""
        self._index.remove_ids(np.ascontiguousarray(labels))

    def candidates(
        self, queries: NDArray[np.float32], params: SearchParams, exclude: ExcludeIds | None = None
    ) -> NDArray[np.int64]:
        """Finds the labels of the features that are nearest to each query by their codes.

        Args:
            queries: float32 [n, D].
            exclude: images to leave out.
        Returns:
            int64 [n, min(params.candidates, size)], nearest first; -1 where there are no more.
        """
        if not self.size:
            return np.full((len(queries), 0), -1, np.int64)
        wide, visited = self._pad(queries), min(self.lists, params.lists)
        nearest = np.argpartition(self._centre_distances(wide), visited - 1, axis=1)[:, :visited]
        return self._scan(wide, nearest, params.candidates, exclude)

    def candidates_among(
        self, query: NDArray[np.float32], lists: NDArray[np.int64], count: int, among: IncludeIds
    ) -> NDArray[np.int64]:
        """Finds in some lists, int64 [v], at most `count` labels out of `among` whose features are
        nearest to a query, float32 [D], by their codes: int64 [n], nearest first."""
        [found] = self._scan(self._pad(query[None]), lists[None], count, among)
        known: NDArray[np.int64] = found[found >= 0]
        return known

    def _scan(
        self,
        queries: NDArray[np.float32],
        lists: NDArray[np.int64],
        count: int,
        labels: ExcludeIds | IncludeIds | None,
    ) -> NDArray[np.int64]:
        """Scans the codes in the lists of each query, int64 [n, v]; queries are padded."""
        nearest = np.ascontiguousarray(lists)
        unused = np.zeros(nearest.shape, np.float32)  # codes are of the features themselves
        count = min(self.size, count)
        dist = np.empty((len(queries), count), np.float32)
        found = np.empty((len(queries), count), np.int64)
        parameters = faiss.SearchParametersIVF(  # type: ignore[call-arg]
            nprobe=nearest.shape[1], sel=labels.selector if labels else None
        )
        pointers = [faiss.swig_ptr(each) for each in (queries, nearest, unused, dist, found)]
        self._index.search_preassigned_c(
            len(queries), pointers[0], count, *pointers[1:], False, parameters
        )
        return found

    def list_order(self, query: NDArray[np.float32]) -> NDArray[np.int64]:
        """Returns the lists in the order in which a search for a query, float32 [D], visits them:
        int64 [lists]."""
        return np.argsort(self._centre_distances(self._pad(query[None]))[0])

    def visit_order(self, queries: NDArray[np.float32]) -> NDArray[np.int64]:
        """Returns in which turn a search for each query, float32 [n, D], visits each list.

        Returns:
            int64 [n, lists], from 0 on.
        """
        order = np.argsort(self._centre_distances(self._pad(queries)), axis=1)
        turns: NDArray[np.int64] = np.empty_like(order)
        np.put_along_axis(turns, order, np.arange(self.lists)[None], axis=1)
        return turns

    def labels_by_list(self) -> list[NDArray[np.int64]]:
        """Returns the labels in each list, int64."""
        lists = self._index.invlists
        return [
            faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
            if lists.list_size(number)
            else np.empty(0, np.int64)
            for number in range(self.lists)
        ]

    def compact(self, parts: Iterable[tuple[int, NDArray[np.int64]]]) -> Compact | None:
        """Copies the codes of some images; None where there are no codes, as features are compared.

        Args:
            parts: lists, each with the places in it of the images that are wanted, int64 [n].
        """
        return Compact(self._index, parts) if hasattr(self._index, "pq") else None

    def candidates_in(
        self, compact: Compact, query: NDArray[np.float32], count: int
    ) -> NDArray[np.int64]:
        """Returns the numbers of at most `count` codes nearest to a query, float32 [D]: int64
        [n]."""
        return compact.nearest(self._pad(query[None]), count)

    def imbalance(self) -> float:
        """Returns the factor by which uneven lists make an average search dearer; 1 where all are
        as long."""
        return float(self._index.invlists.imbalance_factor()) if self.size else 1.0

    def centre_distance(self, rows: NDArray[np.float16]) -> float:
        """Returns the mean squared L2 distance of features, float16 [n, D], from the nearest
        centre."""
        return float(self._index.quantizer.search(self._pad(widen(rows)), 1)[0].mean())

    def _pad(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pads features, float32 [n, D], as wide as they were when the index was trained."""
        return _padded(features, self._index.d)

    def _centre_distances(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Computes the squared distance of each query from each centre, less the query's own norm,
        which changes no order: float32 [n, lists].

        numpy multiplies features with a matrix in a sixth of the time that FAISS takes to compare
        one query with 2,000 centres.
        """
        dist: NDArray[np.float32] = self._norms - 2 * (queries @ self._centres.T)
        return dist


def _width(dimension: int) -> int:
    """Returns how many numbers stand for features in the index: a whole number of codes."""
    return dimension + -dimension % values_per_code(dimension)


def _padded(features: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Appends zeros up to a width; they change no distance."""
    missing = width - features.shape[1]
    padded = np.pad(features, ((0, 0), (0, missing))) if missing else features
    return np.ascontiguousarray(padded, np.float32)
