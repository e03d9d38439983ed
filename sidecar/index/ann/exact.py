"""True neighbours and true distances, by comparing all features."""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann.device import Device
from sidecar.index.ann.selection import IncludeIds


def widen(rows: NDArray[np.float16], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Converts float16 [n, D] to float32 on several cores, which numpy does on one.

    Args:
        out: float32 [n, D], to be filled; a new array where it is not given.
    """
    codes = np.ascontiguousarray(rows, np.float16).view(np.uint8)
    wide = np.empty(rows.shape, np.float32) if out is None else out
    quantizer = _halves(rows.shape[1]).sq
    quantizer.decode_c(faiss.swig_ptr(codes), faiss.swig_ptr(wide), len(rows))
    return wide


def distances(query: NDArray[np.float32], rows: NDArray[np.float16]) -> NDArray[np.float32]:
    """Computes squared L2 distances, float32 [n], of a query, float32 [D], from float16 [n, D]."""
    if not len(rows):
        return np.empty(0, np.float32)
    index = _halves(rows.shape[1])
    index.add_sa_codes(np.ascontiguousarray(rows, np.float16).view(np.uint8))
    found, positions = index.search(np.ascontiguousarray(query[None], np.float32), len(rows))
    dist = np.empty(len(rows), np.float32)
    dist[positions[0]] = found[0]
    return dist


class Flat:
    """Compares a query with each of some features, which never change."""

    def __init__(self, rows: NDArray[np.float16]) -> None:
        """Copies float16 [n, D]."""
        self._index = _halves(rows.shape[1])
        self._index.add_sa_codes(np.ascontiguousarray(rows, np.float16).view(np.uint8))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def rows(self) -> NDArray[np.float16]:
        """Returns a copy of the features, float16 [n, D]."""
        codes: NDArray[np.uint8] = faiss.vector_to_array(self._index.codes)
        return codes.view(np.float16).reshape(len(self), -1)

    @property
    def dimension(self) -> int:
        """How many numbers a row has."""
        return int(self._index.d)

    def some(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns the rows at some positions, int64 [m]: float32 [m, D]."""
        rows: NDArray[np.float32] = self._index.reconstruct_batch(positions)
        return rows

    def nearest(
        self, query: NDArray[np.float32], count: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Finds the nearest rows of a query, float32 [D].

        Args:
            among: the positions to look at, int64 [n] ascending; all where it is not given.
        Returns:
            their positions int64 [m] and squared L2 distances float32 [m], ascending; m is `count`
            or all there are.
        """
        wide = np.ascontiguousarray(query[None], np.float32)
        if among is None:
            dist, positions = self._index.search(wide, min(count, len(self)))
        elif not len(among):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        else:
            confined = faiss.SearchParameters(sel=IncludeIds(among).selector)  # type: ignore[call-arg]
            dist, positions = self._index.search(wide, min(count, len(among)), params=confined)
        return positions[0], dist[0]


class Nearest:
    """Finds the true neighbours of some queries in one walk over the features.

    Attributes:
        labels: int64 [n, count], nearest first; -1 where there are not that many.
        dist: float32 [n, count], squared L2 distances; infinite there.
    """

    def __init__(
        self,
        queries: NDArray[np.float32],
        own: NDArray[np.int64],
        known: tuple[NDArray[np.int64], NDArray[np.float32]],
        device: Device,
    ) -> None:
        """Begins a walk.

        Args:
            queries: float32 [n, D].
            own: int64 [n], the label of each query, which is no neighbour of itself.
            known: `labels` and `dist` of an earlier walk, over other features.
        """
        self._queries = queries
        self._own = own
        self._device = device
        self.labels, self.dist = known

    def compare(self, labels: NDArray[np.int64], features: NDArray[np.float32]) -> None:
        """Compares all queries with more features, float32 [m, D], of labels int64 [m]."""
        kept = self.labels.shape[1]
        if not len(self._queries) or not len(features):
            return
        # One more than are kept: a query may be among them.
        dist, found = self._device.knn(self._queries, features, min(kept + 1, len(features)))
        seen = labels[found]
        dist[seen == self._own[:, None]] = np.inf
        every = np.concatenate([self.dist, dist], axis=1)
        nearest = np.argsort(every, axis=1, kind="stable")[:, :kept]
        joined = np.concatenate([self.labels, seen], axis=1)
        self.dist = np.take_along_axis(every, nearest, axis=1)
        self.labels = np.where(np.isinf(self.dist), -1, np.take_along_axis(joined, nearest, axis=1))


def _halves(dimension: int) -> Any:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16)
