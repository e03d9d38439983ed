"""Finds how far a search in a collection has to look for each recall target.

As with codes (`recall.autotune`), half of the queries choose, and the other half measures.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import widen
from sidecar.index.milvus.kinds import Kind
from sidecar.index.milvus.reading import Rows
from sidecar.index.milvus.server import TASK_S, Server
from sidecar.index.nprob import (
    NEAREST,
    RECALL_TARGETS,
    OperatingPoint,
    OperatingPoints,
)
from sidecar.index.recall.ground_truth import GroundTruth
from sidecar.index.recall.mean_recall import MeanRecall

AT_ONCE = 64  # queries of a call


@dataclass(frozen=True)
class _Tried:
    """A search of some length, and its recall on the queries that choose and on those held out."""

    length: int
    chosen: MeanRecall
    held_out: MeanRecall

    def meets(self, target: float) -> bool:
        return self.chosen.most_likely_meets(target) and self.held_out.mean >= target

    def follows(self, other: "_Tried | None") -> bool:
        """Whether it may stand for a larger NPROB: it looks no less far, and finds no less."""
        return other is None or (
            self.length >= other.length and self.held_out.mean >= other.held_out.mean
        )


@dataclass(frozen=True)
class Tuner:
    """Measures searches in a collection.

    Args:
        going_on: called before each call to Milvus; what it raises ends the work.
    """

    server: Server
    collection: str
    kind: Kind
    going_on: Callable[[], object]

    def tune(self, truth: GroundTruth, rows: Rows) -> OperatingPoints:
        """Returns a point for each target; one that can't be met gets the longest search."""
        queries = widen(rows.features(truth.queries))
        tried: list[_Tried] = []
        for length in self.kind.lengths():
            tried.append(self._tried(length, truth, queries))
            if tried[-1].meets(max(RECALL_TARGETS.values())):
                break
        points: list[OperatingPoint] = []
        last: _Tried | None = None
        for nprob, target in RECALL_TARGETS.items():
            fit = (each for each in tried if each.meets(target) and each.follows(last))
            last = next(fit, tried[-1])
            found = last.held_out
            candidates = self.kind.spare * (NEAREST + 1)
            points.append(
                OperatingPoint(nprob, last.length, candidates, found.mean, found.at_least())
            )
        return OperatingPoints(tuple(points), tried[-1].held_out.queries)

    def _tried(self, length: int, truth: GroundTruth, queries: NDArray[np.float32]) -> _Tried:
        limit = self.kind.spare * (NEAREST + 1)
        params = self.kind.params(length, limit)
        recalls = np.ones(len(queries))
        for at in range(0, len(queries), AT_ONCE):
            self.going_on()
            some = queries[at : at + AT_ONCE]
            hits = self.server.search(self.collection, some, limit, params, timeout_s=TASK_S)
            for place, (seqs, dist) in enumerate(hits, start=at):
                recalls[place] = _recall(truth, place, seqs, dist)
        chosen, held_out = recalls[~truth.held_out], recalls[truth.held_out]
        return _Tried(length, MeanRecall.of(chosen), MeanRecall.of(held_out))


def _recall(
    truth: GroundTruth, place: int, seqs: NDArray[np.int64], dist: NDArray[np.float32]
) -> float:
    """Returns the recall of a query of which some candidates were found."""
    limit = truth.limits[place]
    near = truth.labels[place][truth.dist[place] <= limit]
    expected = int(np.isfinite(truth.dist[place, :NEAREST]).sum())
    if not expected:
        return 1.0
    # Where there are more ties than the truth keeps, as among copies, distances decide.
    true = (np.isin(seqs, near) | (dist <= limit)) & (seqs != truth.queries[place])
    return min(int(true.sum()), expected) / expected
