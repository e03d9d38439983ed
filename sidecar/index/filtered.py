"""A query's features to the nearest of those images of a generation that meet a filter."""

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import distances
from sidecar.index.generation import Generation
from sidecar.index.narrowed import FEW, Narrowed
from sidecar.index.ranking import SearchRequest, the_nearest
from sidecar.index.recent import Found


def rank_among(
    generation: Generation,
    query: NDArray[np.float32],
    request: SearchRequest,
    meets: NDArray[np.bool_],
    own_seq: int | None = None,
) -> Found:
    """Finds the nearest of the images that meet a filter by their full features.

    Args:
        generation: to search in.
        query: float32 [D].
        request: how many, how carefully, how far.
        meets: bool [n], of each image of the generation; not of those that are gone.
        own_seq: the sequence number of the query, where it is a stored image: it is left out.
    Returns:
        as `rank`: as many as are asked for, where so many meet the filter.
    Raises:
        IndexDamaged: what the generation holds is not what was stored.
    """
    rows, all_seqs = np.flatnonzero(meets), generation.segments.seqs
    seqs = all_seqs[rows]
    if len(rows) > FEW:
        widening = generation.meta.quality.filtered.widening
        narrowed = Narrowed(generation.index, all_seqs, generation.list_of_row, rows, widening)
        wanted = request.depth + 1  # one may be the query itself
        params = generation.search_params(request.nprob, wanted)
        seqs = narrowed.candidates(query, params, wanted)
    seqs = seqs[seqs != own_seq]
    return the_nearest(seqs, distances(query, generation.segments.features(seqs)), request)
