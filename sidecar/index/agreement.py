"""How far two models agree: what share of its neighbours an image keeps when the model changes."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import ExcludeIds
from sidecar.index.generation import Generation
from sidecar.index.ranking import SearchRequest, rank
from sidecar.settings import MOST_NPROB

QUERIES = 256
NEIGHBOURS = 10


def agreement(one: Generation, other: Generation) -> float | None:
    """The mean share of the ten nearest images of a stored image that both generations name.

    The queries are images that both hold, evenly spread over them by age.

    Returns:
        0..1; None where they have too few images in common.
    Raises:
        IndexDamaged: what one of them holds is not what was stored.
    """
    both = np.intersect1d(one.segments.seqs, other.segments.seqs)
    if len(both) <= NEIGHBOURS:
        return None
    queries = both[:: -(-len(both) // QUERIES)]
    found = zip(*(_nearest(each, both, queries) for each in (one, other)), strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) / NEIGHBOURS for pair in found]))


def _nearest(
    generation: Generation, among: NDArray[np.int64], queries: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """The neighbours of each query among images that the generation holds, int64 [n] both."""
    others = np.setdiff1d(generation.segments.seqs, among)
    without = ExcludeIds(others) if len(others) else None
    wanted = SearchRequest(NEIGHBOURS, MOST_NPROB, math.inf)
    for seq in queries:
        query = generation.segments.features(np.array([seq]))[0].astype(np.float32)
        yield rank(generation, query, wanted, without, int(seq))[0]
