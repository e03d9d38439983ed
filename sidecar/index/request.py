"""What a search is asked for, and what it has found."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import Filter
from sidecar.index.probability import COPIES, SAME, TENTH
from sidecar.index.reranking import RERANKED

PAGED = 1000  # neighbours, through which a search can be paged

Found = tuple[NDArray[np.int64], NDArray[np.float32]]  # sequence numbers [n], distances [n]


@dataclass(frozen=True)
class Grouping:
    """By whose value neighbours are grouped, and how many of each group are asked for."""

    field: str
    size: int


@dataclass(frozen=True)
class SearchRequest:
    """How many neighbours, how carefully (NPROB, 1..100), and how far away at most.

    A `max_dist` of 0 is the same image.

    Args:
        wanted: what they have to meet, if anything.
        offset: how many nearer ones are left out; None for a search that is not paged.
        group: by what they are grouped, if at all.
        similar: whether the nearest are ordered by their scores, as `reranking` makes them.
        probability: whether it is asked, too, how probably each is the same image.
        least: the probability of that which each must have; None finds all.
    """

    num_results: int
    nprob: int
    max_dist: float
    wanted: Filter | None = None
    offset: int | None = None
    group: Grouping | None = None
    similar: bool = False
    probability: bool = False
    least: float | None = None

    @property
    def likely(self) -> bool:
        """Whether it takes the tenth nearest to say which images are the same one."""
        return self.probability or self.least is not None

    @property
    def depth(self) -> int:
        """How many are ranked: all pages are of one ranking, so that none repeats another; and as
        many as it takes to know the tenth nearest."""
        if self.offset is not None:
            return PAGED
        most = max(self.num_results, RERANKED) if self.similar else self.num_results
        return max(most, TENTH + COPIES) if self.likely else most

    @property
    def reach(self) -> float:
        """How far away an image may be that is ranked; where it takes the tenth nearest to say,
        the list is cut later."""
        return math.inf if self.likely else self.max_dist


def the_nearest(
    seqs: NDArray[np.int64], dist: NDArray[np.float32], request: SearchRequest
) -> Found:
    """Picks what a request asks for out of sequence numbers and distances: the nearest first, of
    equally near ones the oldest."""
    nearest = np.lexsort((seqs, dist))[: request.depth]
    nearest = nearest[dist[nearest] <= max(request.reach, SAME)]
    return seqs[nearest], dist[nearest]
