"""The answer to a search: what was found in a view, in its order, as far as it was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index import SearchRequest
from sidecar.index.probability import SAME
from sidecar.index.request import Found
from sidecar.search.likeness import Likeness
from sidecar.search.ranked import by_score, some_of
from sidecar.search.view import View


@dataclass(frozen=True)
class Neighbours:
    """Holds the answer to a search.

    Args:
        dist: squared L2 distances; ascending, with groups within each, unless there are scores.
        result: the ids of the images at these distances.
        version, sha256: of the model that was searched with.
        generation: number of the one that was searched; 0 before the first training.
        unindexed: how many images were compared one by one, because no generation holds them.
        seqs: the sequence numbers of the images.
        score: where a search orders by them, that of each image, None after the first `RERANKED`.
        probability: that each is the same image as the query, where that was asked for.
        likeness: what says so, where the request took it.
    """

    dist: list[float]
    result: list[str]
    version: int
    sha256: str
    generation: int
    unindexed: int
    seqs: list[int]
    score: list[float | None] | None = None
    probability: list[float | None] | None = None
    likeness: Likeness | None = None


def neighbours_of(
    view: View,
    query: NDArray[np.float32],
    found: Found,
    ids: Mapping[int, str],
    request: SearchRequest,
    likeness: Likeness | None,
) -> Neighbours:
    """Returns what a request asks for of what was found, the nearest first.

    Args:
        query: float32 [D].
        ids: of all that was found.
        likeness: where the request takes it.
    """
    score = None
    if likeness is not None:
        limit = min(likeness.farthest(request.least), max(request.max_dist, SAME))
        found = some_of(found, found[1] <= limit)
    seqs, dist = found
    if request.similar:
        places, score = by_score(view, query, seqs)
        seqs, dist = seqs[places], dist[places]
    first = request.offset or 0
    page = slice(first, first + request.num_results)
    there = dist[page].tolist()
    return Neighbours(
        there,
        [ids[seq] for seq in seqs[page].tolist()],
        view.version,
        view.sha256,
        view.number,
        view.unindexed,
        seqs[page].tolist(),
        score and score[page],
        likeness.probabilities(there) if likeness and request.probability else None,
        likeness,
    )
