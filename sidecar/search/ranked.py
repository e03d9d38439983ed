"""Ranks what a view holds by exact distances."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.index import SearchRequest, rank_each, the_nearest
from sidecar.index.ann import ExcludeIds
from sidecar.index.request import Found
from sidecar.index.reranking import RERANKED, order, scores
from sidecar.search.view import View
from sidecar.search.wanted import Wanted


def ranked_each(
    view: View,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
    excluded: ExcludeIds | None,
    wanted: Wanted | None,
) -> list[Found]:
    """Ranks what a generation holds and what came since together.

    Args:
        queries: float32 [n, D] of norm 1.
        own_seqs: the sequence number of each that is a stored image, and is left out; else None.
        excluded: images of the generation that are gone.
        wanted: what is ranked, where not everything is.
    Returns:
        what was found for each query, the nearest first.
    """
    parts: list[list[Found]] = []
    if view.generation is not None and wanted is None:
        parts.append(rank_each(view.generation, queries, own_seqs, request, excluded))
    elif view.generation is not None and wanted is not None:
        matching = wanted.of_generation(view.generation, excluded)
        each = zip(queries, own_seqs, strict=True)
        parts.append([matching.nearest(query, request, own) for query, own in each])
    if view.recent:
        may, recent = wanted.of_recent if wanted else None, view.recent
        each = zip(queries, own_seqs, strict=True)
        parts.append([recent.nearest(query, request.depth, own, may) for query, own in each])
    return [_joined(found, request) for found in zip(*parts, strict=True)]


def _joined(parts: Sequence[Found], request: SearchRequest) -> Found:
    seqs, dist = (np.concatenate(each) for each in zip(*parts, strict=True))
    return the_nearest(seqs, dist, request)


def some_of(found: Found, which: NDArray[np.bool_]) -> Found:
    """Returns some of what was found; `which`: bool [n]."""
    return found[0][which], found[1][which]


def by_score(
    view: View, query: NDArray[np.float32], seqs: NDArray[np.int64]
) -> tuple[NDArray[np.intp], list[float | None]]:
    """Returns the places of neighbours, nearest first, in the order of their scores, and these."""
    scored = scores(query, view.features(seqs[:RERANKED]))
    first, others = order(scored), np.arange(len(scored), len(seqs))
    return np.concatenate([first, others]), [*scored[first].tolist(), *[None] * len(others)]
