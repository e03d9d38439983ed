"""A query's features to the nearest images of a generation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import Filter
from sidecar.index.ann import ExcludeIds, SearchParams, distances
from sidecar.index.generation import Generation

# The distance up to which two images are the same: float16 moves what a segment holds by at most
# 2^-11 of its norm of 1, 2.4e-7 in this measure, and another batch moves a query by a little.
SAME = 1e-5
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
    """

    num_results: int
    nprob: int
    max_dist: float
    wanted: Filter | None = None
    offset: int | None = None
    group: Grouping | None = None

    @property
    def depth(self) -> int:
        """How many are ranked: all pages are of one ranking, so that none repeats another."""
        return self.num_results if self.offset is None else PAGED


def rank(
    generation: Generation,
    query: NDArray[np.float32],
    request: SearchRequest,
    exclude: ExcludeIds | None = None,
    own_seq: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finds the nearest of a generation's candidates by their full features.

    Args:
        generation: to search in.
        query: float32 [D].
        request: how many, how carefully, how far.
        exclude: images that are gone.
        own_seq: the sequence number of the query, where it is a stored image: it is left out.
    Returns:
        seqs int64 [n] and squared L2 distances float32 [n], ascending; ties by age.
    Raises:
        IndexDamaged: what the generation holds is not what was stored.
    """
    index = generation.index
    params = generation.search_params(request.nprob, request.depth + 1)
    while True:
        seqs = index.candidates(query[None], params, exclude)[0]
        seqs = seqs[(seqs >= 0) & (seqs != own_seq)]
        if len(seqs) >= request.depth or params.lists >= index.lists:
            break
        params = SearchParams(FARTHER * params.lists, params.candidates)  # these lists hold too few
    return the_nearest(seqs, distances(query, generation.segments.features(seqs)), request)


def the_nearest(
    seqs: NDArray[np.int64], dist: NDArray[np.float32], request: SearchRequest
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Picks what a request asks for out of sequence numbers and distances, ordered as by `rank`."""
    nearest = np.lexsort((seqs, dist))[: request.depth]
    nearest = nearest[dist[nearest] <= max(request.max_dist, SAME)]
    return seqs[nearest], dist[nearest]
