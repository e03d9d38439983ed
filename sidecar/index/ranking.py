"""A query's features to the nearest images of a generation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import ExcludeIds, SearchParams, distances
from sidecar.index.generation import Generation

FARTHER = 4  # times as many lists, where those visited hold fewer images than are wanted


@dataclass(frozen=True)
class SearchRequest:
    """How many neighbours, how carefully (NPROB, 1..100), and how far away at most."""

    num_results: int
    nprob: int
    max_dist: float


def rank(
    generation: Generation,
    query: NDArray[np.float32],
    wanted: SearchRequest,
    without: ExcludeIds | None = None,
    itself: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest of a generation's candidates by their full features.

    Args:
        generation: to search in.
        query: float32 [D].
        wanted: how many, how carefully, how far.
        without: images that are gone.
        itself: the sequence number of the query, where it is a stored image.
    Returns:
        seqs int64 [n] and squared L2 distances float32 [n], ascending; ties by age.
    Raises:
        IndexDamaged: what it holds is not what was stored.
    """
    index = generation.index
    reach = generation.search_params(wanted.nprob, wanted.num_results + 1)
    while True:
        seqs = index.candidates(query[None], reach, without)[0]
        seqs = seqs[(seqs >= 0) & (seqs != itself)]
        if len(seqs) >= wanted.num_results or reach.lists >= index.lists:
            break
        reach = SearchParams(FARTHER * reach.lists, reach.candidates)  # these lists hold too few
    dist = distances(query, generation.segments.features(seqs))
    nearest = np.lexsort((seqs, dist))[: wanted.num_results]
    nearest = nearest[dist[nearest] <= wanted.max_dist]
    return seqs[nearest], dist[nearest]
