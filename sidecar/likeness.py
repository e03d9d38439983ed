"""Neighbours with the probability that each is the same image as the query."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sidecar.index import SearchRequest
from sidecar.index.probability import TENTH, probabilities, tenth_of
from sidecar.index.ranking import SAME
from sidecar.neighbours import Finder, Neighbours
from sidecar.view import View

COPIES = 10  # exact ones of the query, that may stand before its ten nearest


def with_probability(
    finder: Finder,
    view: View,
    query: NDArray[np.float32],
    found: Neighbours,
    nprob: int,
    itself: int | None,
) -> Neighbours:
    """Returns what a search found, with the probability of each that it is the same image, 0..1;
    None of each where fewer than ten others are there to compare with.

    The tenth nearest is that of all images, whatever the search was narrowed to.

    Args:
        query: float32 [D] of norm 1.
        nprob: how carefully the search looked.
        itself: the sequence number of the query, where it is a stored image.
    """
    around = SearchRequest(TENTH + COPIES, nprob, np.inf)
    dist = finder.around(view, query, around, itself).dist
    tenth = tenth_of(np.array(dist, np.float32), SAME)
    if tenth is None:
        return replace(found, probability=[None] * len(found.dist))
    each = probabilities(np.array(found.dist, np.float32), tenth)
    return replace(found, probability=[round(value, 4) for value in each.tolist()])
