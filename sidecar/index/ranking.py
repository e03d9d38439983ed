"""The features of queries to the nearest images of a generation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import Filter
from sidecar.index.ann import ExcludeIds, SearchParams, distances
from sidecar.index.generation import Generation
from sidecar.index.probability import COPIES, SAME, TENTH
from sidecar.index.recent import Found
from sidecar.index.reranking import RERANKED

PAGED = 1000  # neighbours, through which a search can be paged
FARTHER = 4  # times as many lists, where those visited hold fewer images than are asked for


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


def rank(
    generation: Generation,
    query: NDArray[np.float32],
    request: SearchRequest,
    exclude: ExcludeIds | None = None,
    own_seq: int | None = None,
) -> Found:
    """Does for a query, float32 [D], what `rank_each` does for many."""
    return rank_each(generation, query[None], [own_seq], request, exclude)[0]


def rank_each(
    generation: Generation,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
    exclude: ExcludeIds | None = None,
) -> list[Found]:
    """Finds the nearest of a generation's candidates for each query by their full features.

    Args:
        generation: to search in.
        queries: float32 [n, D].
        own_seqs: the sequence number of each that is a stored image, and is left out; else None.
        request: how many, how carefully, how far.
        exclude: images that are gone.
    Returns:
        for each query seqs int64 [m] and squared L2 distances float32 [m], ascending; ties by age.
    Raises:
        IndexDamaged: what the generation holds is not what was stored.
    """
    found = []
    chosen = _candidates(generation, queries, own_seqs, request, exclude)
    for query, seqs in zip(queries, chosen, strict=True):
        dist = distances(query, generation.segments.features(seqs))
        found.append(the_nearest(seqs, dist, request))
    return found


def _candidates(
    generation: Generation,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
    exclude: ExcludeIds | None,
) -> list[NDArray[np.int64]]:
    """Returns the candidates of each query; those whose lists hold too few look farther."""
    index = generation.index
    params = generation.search_params(request.nprob, request.depth + 1)
    found: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(queries)
    left = np.arange(len(queries))
    while len(left):
        rows = index.candidates(queries[left], params, exclude)
        few = []
        for place, row in zip(left.tolist(), rows, strict=True):
            found[place] = row[(row >= 0) & (row != own_seqs[place])]
            if len(found[place]) < request.depth:
                few.append(place)
        left = np.array(few if params.lists < index.lists else [], np.int64)
        params = SearchParams(FARTHER * params.lists, params.candidates)
    return found


def the_nearest(
    seqs: NDArray[np.int64], dist: NDArray[np.float32], request: SearchRequest
) -> Found:
    """Picks what a request asks for out of sequence numbers and distances, ordered as by `rank`."""
    nearest = np.lexsort((seqs, dist))[: request.depth]
    nearest = nearest[dist[nearest] <= max(request.reach, SAME)]
    return seqs[nearest], dist[nearest]
