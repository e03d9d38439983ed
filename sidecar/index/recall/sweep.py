"""What searches of any reach would find, told by one long search for each sample query.

Its candidates are in the order of their codes' distances. A search of fewer lists has the same
order, without those that lie in lists it does not visit; one of fewer candidates stops sooner. So
one search shows what all shorter ones find.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Index, SearchParams, distances, widen
from sidecar.index.recall.ground_truth import GroundTruth
from sidecar.index.recall.operating_points import NEAREST
from sidecar.index.segments import Segments


@dataclass(frozen=True)
class SweepHits:
    """How far down the candidates the true neighbours stand.

    Args:
        rows: int64 [n], the query of each.
        places: int64 [n], from 1 on.
        wanted: int64 [Q], how many nearest each query has: ten, but in the smallest sets.
        tells: bool [Q], the half of the queries that tells.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    wanted: NDArray[np.int64]
    tells: NDArray[np.bool_]

    def recalls(self, candidates: int) -> NDArray[np.float64]:
        """The recall of each query, float64 [Q], where that many candidates are taken."""
        found = np.bincount(self.rows[self.places <= candidates], minlength=len(self.wanted))
        recalls: NDArray[np.float64] = np.where(
            self.wanted, np.minimum(found, self.wanted) / np.maximum(self.wanted, 1), 1.0
        )
        return recalls


@dataclass(frozen=True)
class SweepRun:
    """One long search for each query, of C candidates.

    Args:
        reach: of the search.
        turns: int64 [Q, C], in which turn the list of each candidate was visited.
        true: bool [Q, C], whether it is one of the ten nearest, or as near as the tenth.
        wanted, tells: as in `SweepHits`.
    """

    reach: SearchParams
    turns: NDArray[np.int64]
    true: NDArray[np.bool_]
    wanted: NDArray[np.int64]
    tells: NDArray[np.bool_]

    def hits(self, lists: int) -> SweepHits:
        """What a search of that many lists, at most those of this one, comes upon."""
        visited = self.turns < lists
        rows, columns = np.nonzero(self.true & visited)
        places = np.cumsum(visited, axis=1, dtype=np.int64)[rows, columns]
        return SweepHits(rows, places, self.wanted, self.tells)


class Sweep:
    """The queries of a truth, ready to be searched for."""

    def __init__(self, index: Index, truth: GroundTruth, segments: Segments) -> None:
        """Take an index of all rows of `segments`, of which `truth` knows the neighbours."""
        self._index = index
        self._truth = truth
        self._segments = segments
        self._features = widen(segments.features(truth.queries))
        self._turns = index.visits(self._features)
        holdings = index.holdings()
        self._sizes = np.array([len(labels) for labels in holdings])
        labels = np.concatenate(holdings)
        order = np.argsort(labels)
        self._labels = labels[order]
        self._lists = np.repeat(np.arange(len(holdings)), self._sizes)[order]

    def codes(self, lists: int) -> float:
        """How many codes a search of that many lists scans, on average."""
        visits = (self._turns < lists).sum(axis=0)
        return float(self._sizes @ visits) / max(1, len(self._turns))

    def run(self, reach: SearchParams) -> SweepRun:
        """Search."""
        labels = self._index.candidates(self._features, reach)
        at = np.searchsorted(self._labels, labels).clip(max=len(self._labels) - 1)
        turns = np.take_along_axis(self._turns, self._lists[at], axis=1)
        turns[labels < 0] = self._index.lists
        wanted = np.isfinite(self._truth.dist[:, :NEAREST]).sum(axis=1)
        return SweepRun(reach, turns, self._true(labels), wanted, self._truth.tells)

    def _true(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which candidates, int64 [Q, C], are as near to their query as its tenth neighbour."""
        truth, limits = self._truth, self._truth.limits
        near = np.where(truth.dist <= limits[:, None], truth.labels, -2)
        true = np.zeros(labels.shape, np.bool_)
        for column in near.T[(near >= 0).any(axis=0)]:
            true |= labels == column[:, None]
        # Where there are more ties than the truth keeps, as among copies, distances have to tell.
        for row in np.flatnonzero(np.isfinite(truth.dist[:, -1]) & (truth.dist[:, -1] <= limits)):
            others = (labels[row] >= 0) & (labels[row] != truth.queries[row])
            rows = self._segments.features(labels[row][others])
            true[row, others] = distances(self._features[row], rows) <= limits[row]
        return true
