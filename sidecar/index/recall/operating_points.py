"""What NPROB means: each value stands for a recall, and every generation measures how to keep it.

A training or an update tries on sample queries how far a search has to look for each promise, and
writes what it found, with the recall that other queries got, into the generation's `meta.json`.
Between two marks of the dial a search looks a part of the way farther, on a logarithmic scale.
"""

import math
from dataclasses import dataclass

from sidecar.index.ann import SearchParams
from sidecar.settings import MOST_NPROB

NEAREST = 10  # recall@10 is what is promised
# The share of the ten nearest images, found by comparing every one, that a search finds.
PROMISES = {1: 0.80, 2: 0.90, 5: 0.95, 10: 0.97, 20: 0.98, 50: 0.99, MOST_NPROB: 0.995}
CANDIDATES_PER_RESULT = 4  # for each that is asked for beyond ten


@dataclass(frozen=True)
class OperatingPoint:
    """A value of NPROB, how far a search looks with it, and what that was measured to find.

    Args:
        lists, candidates: as in `SearchParams`.
        recall: recall@10 of the queries that were not used to set the mark.
        at_least: its lower confidence bound, one-sided, 95 %.
    """

    nprob: int
    lists: int
    candidates: int
    recall: float
    at_least: float


@dataclass(frozen=True)
class OperatingPoints:
    """What NPROB means in one generation.

    Args:
        marks: by ascending NPROB; the first is for 1, the last for 100.
        queries: how many told the recall.
    """

    marks: tuple[OperatingPoint, ...]
    queries: int

    def reach(self, nprob: int, results: int) -> SearchParams:
        """How far a search looks with a value of NPROB, 1..100, when it wants so many results."""
        after = next(mark for mark in self.marks if mark.nprob >= nprob)
        before = max((m for m in self.marks if m.nprob <= nprob), key=lambda m: m.nprob)
        share = (nprob - before.nprob) / max(1, after.nprob - before.nprob)
        candidates = _between(before.candidates, after.candidates, share)
        return SearchParams(
            _between(before.lists, after.lists, share),
            candidates + CANDIDATES_PER_RESULT * max(0, results - NEAREST),
        )

    def mark(self, nprob: int) -> OperatingPoint:
        """The mark for one of the values in `PROMISES`."""
        return next(mark for mark in self.marks if mark.nprob == nprob)

    def broken(self) -> list[str]:
        """A sentence for each promise that the measured recall falls short of."""
        return [
            f"recall@{NEAREST} at NPROB {mark.nprob} is {mark.recall:.3f}, "
            f"less than the {PROMISES[mark.nprob]} it stands for"
            for mark in self.marks
            if mark.recall < PROMISES[mark.nprob]
        ]


def _between(low: int, high: int, share: float) -> int:
    return round(low * math.exp(share * math.log(high / low)))
