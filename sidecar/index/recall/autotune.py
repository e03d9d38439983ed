"""Set the dial of a generation: the cheapest reach that keeps each promise.

Half of the queries of the truth choose the reaches; the other half, which had no part in that,
tells what they find.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Index, SearchParams
from sidecar.index.recall.ground_truth import GroundTruth
from sidecar.index.recall.operating_points import NEAREST, PROMISES, OperatingPoint, OperatingPoints
from sidecar.index.recall.sweep import Sweep, SweepHits, SweepRun
from sidecar.index.segments import Segments

FIRST_CANDIDATES, MOST_CANDIDATES = 640, 5120
FEWEST_CANDIDATES = 2 * NEAREST
GRAIN = 1.2  # from one length to the next that is tried
Z = 1.645  # one-sided, 95 %
# Microseconds of a search at 1,280 values, on a core of 2021; only their ratios count.
US_PER_CODE, US_PER_LIST, US_PER_CANDIDATE = 0.012, 0.5, 1.5


@dataclass(frozen=True)
class _Recall:
    """The mean recall of some queries, and its variance."""

    mean: float
    variance: float
    queries: int

    @classmethod
    def of(cls, recalls: NDArray[np.float64]) -> "_Recall":
        if not len(recalls):  # in a set of one image or none
            return cls(1.0, 0.0, 1)
        return cls(float(recalls.mean()), float(recalls.var()) / len(recalls), len(recalls))

    def surely(self, promise: float) -> bool:
        """Whether other queries, as many as these, will most likely keep the promise as well."""
        return self.mean - Z * math.sqrt(2 * self.variance) >= promise

    def at_least(self) -> float:
        """The lower bound, one-sided, 95 %.

        Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", 1927, with L. Kish's effective sample size, since the ten neighbours of a query
        go together.
        """
        spread = self.mean * (1 - self.mean)
        size = spread / self.variance if self.variance else self.queries
        centre = self.mean + Z**2 / (2 * size)
        half = Z * math.sqrt(spread / size + Z**2 / (4 * size**2))
        return (centre - half) / (1 + Z**2 / size)


@dataclass(frozen=True)
class _Option:
    reach: SearchParams
    cost: float
    chosen: _Recall  # of the queries that choose
    told: _Recall  # of those that tell

    def keeps(self, promise: float) -> bool:
        """Where the queries that tell happen to be harder than those that choose, it's on to the
        next option: what is told is never under the promise as long as there is one."""
        return self.chosen.surely(promise) and self.told.mean >= promise

    def follows(self, other: "_Option | None") -> bool:
        """Whether it may stand for a larger NPROB: it looks no less far, and finds no less."""
        return other is None or (
            self.reach.lists >= other.reach.lists
            and self.reach.candidates >= other.reach.candidates
            and self.chosen.mean >= other.chosen.mean
            and self.told.mean >= other.told.mean
        )


def tune(
    index: Index, truth: GroundTruth, segments: Segments, first: SearchParams | None = None
) -> OperatingPoints:
    """Find the reach that each promise takes.

    Args:
        index: of the rows of `segments`, all of them.
        first: how far to look at first; without it, into every list.
    Returns:
        a dial with a mark for each promise; one that can't be kept gets the farthest reach tried.
    """
    trials = Sweep(index, truth, segments)
    trial = _far_enough(trials, index, first or SearchParams(index.lists, FIRST_CANDIDATES))
    options = sorted(_options(trials, trial), key=lambda option: option.cost)
    marks: list[OperatingPoint] = []
    chosen: _Option | None = None
    for nprob, promise in PROMISES.items():
        fit = (one for one in options if one.keeps(promise) and one.follows(chosen))
        chosen = next(fit, options[-1])
        reach, told = chosen.reach, chosen.told
        marks.append(
            OperatingPoint(nprob, reach.lists, reach.candidates, told.mean, told.at_least())
        )
    return OperatingPoints(tuple(marks), options[-1].told.queries)


def _far_enough(trials: Sweep, index: Index, first: SearchParams) -> SweepRun:
    """Look farther until the last promise is kept, or nothing is left to look at."""
    lists = min(first.lists, index.lists)
    candidates = max(1, min(first.candidates, index.size))
    while True:
        trial = trials.run(SearchParams(lists, candidates))
        if _option(trial.reach, trial.hits(lists), 0.0).keeps(max(PROMISES.values())):
            return trial
        if lists < index.lists:
            lists = index.lists
        elif candidates < min(index.size, MOST_CANDIDATES):
            candidates = min(2 * candidates, index.size)
        else:
            return trial


def _options(trials: Sweep, trial: SweepRun) -> Iterator[_Option]:
    for lists in _lengths(1, trial.reach.lists):
        hits, codes = trial.hits(lists), trials.codes(lists)
        for candidates in _lengths(FEWEST_CANDIDATES, trial.reach.candidates):
            yield _option(SearchParams(lists, candidates), hits, codes)


def _option(reach: SearchParams, hits: SweepHits, codes: float) -> _Option:
    """What a reach finds, and what it costs to scan so many codes."""
    cost = US_PER_CODE * codes + US_PER_LIST * reach.lists + US_PER_CANDIDATE * reach.candidates
    recalls = hits.recalls(reach.candidates)
    told = _Recall.of(recalls[hits.tells])
    return _Option(reach, cost, _Recall.of(recalls[~hits.tells]), told)


def _lengths(first: int, last: int) -> Iterator[int]:
    """From the first to the last, each longer by a grain than the one before."""
    length = first
    while length < last:
        yield length
        length = max(length + 1, round(length * GRAIN))
    yield last
