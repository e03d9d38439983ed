"""The features of queries to the nearest images of a generation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import ExcludeIds
from sidecar.index.generation import Generation
from sidecar.index.request import Found, SearchRequest


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
    """Finds the nearest images of a generation for each query; all as `Searchable.rank_each`."""
    return generation.searchable.rank_each(queries, own_seqs, request, exclude)
