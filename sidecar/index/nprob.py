"""What NPROB means: each value stands for a recall, and every generation measures how to reach it.

A training or an update finds out on sample queries how far a search has to look for each recall
target, and writes that, with the recall of other queries, into the generation's `meta.json`.
Between two operating points a search looks a part of the way farther, on a logarithmic scale.
"""

import math
from dataclasses import dataclass

from sidecar.index.ann import SearchParams
from sidecar.settings import MOST_NPROB

NEAREST = 10  # the targets are of recall@10
# The share of the ten nearest images, found by comparing every one, that a search finds.
RECALL_TARGETS = {1: 0.80, 2: 0.90, 5: 0.95, 10: 0.97, 20: 0.98, 50: 0.99, MOST_NPROB: 0.995}
CANDIDATES_PER_RESULT = 4  # for each that is asked for beyond ten


@dataclass(frozen=True)
class OperatingPoint:
    """A value of NPROB, how far a search looks with it, and what that was measured to find.

    Args:
        lists, candidates: as in `SearchParams`.
        recall: recall@10 of the queries that had no part in choosing these.
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
        points: by ascending NPROB; the first is for 1, the last for 100.
        queries: how many the recall was measured with.
    """

    points: tuple[OperatingPoint, ...]
    queries: int

    def search_params(self, nprob: int, results: int) -> SearchParams:
        """Returns how far a search looks with a value of NPROB, 1..100, for so many results."""
        after = next(point for point in self.points if point.nprob >= nprob)
        before = next(point for point in reversed(self.points) if point.nprob <= nprob)
        share = (nprob - before.nprob) / max(1, after.nprob - before.nprob)
        candidates = _between(before.candidates, after.candidates, share)
        return SearchParams(
            _between(before.lists, after.lists, share),
            candidates + CANDIDATES_PER_RESULT * max(0, results - NEAREST),
        )

    def at(self, nprob: int) -> OperatingPoint:
        """Returns the point of one of the values in `RECALL_TARGETS`."""
        return next(point for point in self.points if point.nprob == nprob)

    def below_target(self) -> list[str]:
        """Returns a sentence for each point whose measured recall is below its target."""
        return [
            f"recall@{NEAREST} at NPROB {point.nprob} is {point.recall:.3f}, "
            f"less than the {RECALL_TARGETS[point.nprob]} it stands for"
            for point in self.points
            if point.recall < RECALL_TARGETS[point.nprob]
        ]


def _between(low: int, high: int, share: float) -> int:
    """Returns the number that lies a share of the way from low to high, on a logarithmic scale."""
    return round(low * math.exp(share * math.log(high / low)))
