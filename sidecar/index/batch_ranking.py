"""The features of many queries to the nearest images of each, in one pass through a generation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import ExcludeIds, SearchParams, distances
from sidecar.index.generation import Generation
from sidecar.index.ranking import FARTHER, SearchRequest

Found = tuple[NDArray[np.int64], NDArray[np.float32]]


def rank_each(
    generation: Generation,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
    exclude: ExcludeIds | None = None,
) -> list[Found]:
    """Does for each of many queries what `rank` does for one, but for picking the nearest.

    Args:
        queries: float32 [n, D].
        own_seqs: the sequence number of each that is a stored image, else None.
        exclude: images that are gone.
    Returns:
        for each query candidates, seqs int64 [m], and their squared L2 distances, float32 [m], in
        no order.
    Raises:
        IndexDamaged: what the generation holds is not what was stored.
    """
    chosen = _candidates(generation, queries, own_seqs, request, exclude)
    return [
        (seqs, distances(query, generation.segments.features(seqs)))
        for query, seqs in zip(queries, chosen, strict=True)
    ]


def _candidates(
    generation: Generation,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
    exclude: ExcludeIds | None,
) -> list[NDArray[np.int64]]:
    """Returns the candidates of each query; those whose lists hold too few look farther."""
    index = generation.index
    params = generation.search_params(request.nprob, request.num_results + 1)
    found: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(queries)
    left = np.arange(len(queries))
    while len(left):
        rows = index.candidates(queries[left], params, exclude)
        few = []
        for place, row in zip(left.tolist(), rows, strict=True):
            found[place] = row[(row >= 0) & (row != own_seqs[place])]
            if len(found[place]) < request.num_results:
                few.append(place)
        left = np.array(few if params.lists < index.lists else [], np.int64)
        params = SearchParams(FARTHER * params.lists, params.candidates)
    return found
