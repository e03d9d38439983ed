"""How far two models agree: what share of its neighbours an image keeps when the model changes."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import ExcludeIds
from sidecar.index.generation import Generation
from sidecar.index.ranking import rank
from sidecar.index.request import SearchRequest
from sidecar.settings import MOST_NPROB

QUERIES = 256
NEIGHBOURS = 10


def agreement(one: Generation, other: Generation) -> float | None:
    """Returns the mean share of a stored image's ten nearest that both generations name.

    The queries are images that both hold, evenly spread over them by age.

    Returns:
        0..1; None where they have too few images in common.
    Raises:
        IndexDamaged: what one of them holds is not what was stored.
    """
    common = np.intersect1d(one.segments.seqs, other.segments.seqs)
    if len(common) <= NEIGHBOURS:
        return None
    queries = common[:: -(-len(common) // QUERIES)]
    found = zip(*(_nearest(each, common, queries) for each in (one, other)), strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) / NEIGHBOURS for pair in found]))


def _nearest(
    generation: Generation, among: NDArray[np.int64], queries: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Yields the neighbours of each query among images that the generation holds.

    Args:
        among, queries: sequence numbers, int64 [n].
    """
    others = np.setdiff1d(generation.segments.seqs, among)
    exclude = ExcludeIds(others) if len(others) else None
    request = SearchRequest(NEIGHBOURS, MOST_NPROB, math.inf)
    for seq in queries:
        query = generation.features(np.array([seq]))[0].astype(np.float32)
        yield rank(generation, query, request, exclude, int(seq))[0]
