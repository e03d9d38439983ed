"""One long search for each sample query, which shows what every shorter search would find.

Its candidates are in the order of their codes' distances. A search of fewer lists has the same
order, without those that lie in lists it does not visit; one of fewer candidates stops sooner.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Index, SearchParams, distances, widen
from sidecar.index.nprob import NEAREST
from sidecar.index.recall.ground_truth import GroundTruth
from sidecar.index.segments import Segments


@dataclass(frozen=True)
class SweepHits:
    """The places of the true neighbours among the candidates of a search.

    Args:
        rows: int64 [n], the query of each.
        places: int64 [n], from 1 on.
        expected: int64 [Q], how many neighbours each query has: ten, but in the smallest sets.
        held_out: bool [Q], as in `GroundTruth`.
    """

    rows: NDArray[np.int64]
    places: NDArray[np.int64]
    expected: NDArray[np.int64]
    held_out: NDArray[np.bool_]

    def recalls(self, candidates: int) -> NDArray[np.float64]:
        """Returns the recall of each query, float64 [Q], where that many candidates are taken."""
        expected = self.expected
        found = np.bincount(self.rows[self.places <= candidates], minlength=len(expected))
        recalls: NDArray[np.float64] = np.where(
            expected, np.minimum(found, expected) / np.maximum(expected, 1), 1.0
        )
        return recalls


@dataclass(frozen=True)
class SweepRun:
    """One long search for each query, of C candidates.

    Args:
        params: of the search.
        turns: int64 [Q, C], in which turn the list of each candidate was visited.
        true: bool [Q, C], whether it is one of the ten nearest, or as near as the tenth.
        expected, held_out: as in `SweepHits`.
    """

    params: SearchParams
    turns: NDArray[np.int64]
    true: NDArray[np.bool_]
    expected: NDArray[np.int64]
    held_out: NDArray[np.bool_]

    def hits(self, lists: int) -> SweepHits:
        """Returns what a search of that many lists, at most those of this one, finds."""
        visited = self.turns < lists
        rows, columns = np.nonzero(self.true & visited)
        places = np.cumsum(visited, axis=1, dtype=np.int64)[rows, columns]
        return SweepHits(rows, places, self.expected, self.held_out)


class Sweep:
    """Searches an index for the queries of a ground truth."""

    def __init__(self, index: Index, truth: GroundTruth, segments: Segments) -> None:
        """Notes in which list each image lies, and in which turn each query visits each list.

        Args:
            index: of all rows of `segments`, among which `truth` knows the neighbours.
        """
        self._index = index
        self._truth = truth
        self._segments = segments
        self._queries = widen(segments.features(truth.queries))
        self._turns = index.visit_order(self._queries)
        by_list = index.labels_by_list()
        self._sizes = np.array([len(labels) for labels in by_list])
        labels = np.concatenate(by_list)
        order = np.argsort(labels)
        self._labels = labels[order]
        self._lists = np.repeat(np.arange(len(by_list)), self._sizes)[order]

    def scanned(self, lists: int) -> float:
        """Returns how many images lie in the lists that a search of so many visits, on average."""
        visits = (self._turns < lists).sum(axis=0)
        return float(self._sizes @ visits) / max(1, len(self._turns))

    def run(self, params: SearchParams) -> SweepRun:
        """Searches for every query."""
        labels = self._index.candidates(self._queries, params)
        at = np.searchsorted(self._labels, labels).clip(max=len(self._labels) - 1)
        turns = np.take_along_axis(self._turns, self._lists[at], axis=1)
        turns[labels < 0] = self._index.lists
        expected = np.isfinite(self._truth.dist[:, :NEAREST]).sum(axis=1)
        return SweepRun(params, turns, self._true(labels), expected, self._truth.held_out)

    def _true(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Returns which candidates, int64 [Q, C], are as near to their query as its tenth
        neighbour."""
        truth, limits = self._truth, self._truth.limits
        near = np.where(truth.dist <= limits[:, None], truth.labels, -2)
        true = np.zeros(labels.shape, np.bool_)
        for column in near.T[(near >= 0).any(axis=0)]:
            true |= labels == column[:, None]
        # Where there are more ties than the truth keeps, as among copies, distances decide.
        for row in np.flatnonzero(np.isfinite(truth.dist[:, -1]) & (truth.dist[:, -1] <= limits)):
            others = (labels[row] >= 0) & (labels[row] != truth.queries[row])
            features = self._segments.features(labels[row][others])
            true[row, others] = distances(self._queries[row], features) <= limits[row]
        return true
