"""The nearest images within a sample, by the features of two versions, beside each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 10

Features = NDArray[np.float32]  # [n, D], rows of norm 1
Distances = NDArray[np.float32]  # [n, n], squared L2


@dataclass(frozen=True)
class Nearest:
    """The nearest images of a query, nearest first: ids, and squared L2 distances."""

    dist: list[float]
    result: list[str]


@dataclass(frozen=True)
class Answered:
    """An image and its nearest by the version in use and by the other; `shared` of them are named
    by both."""

    id: str
    before: Nearest
    after: Nearest
    shared: int


def answered(ids: list[str], before: Features, after: Features, queries: int) -> list[Answered]:
    """Answers for the first images of a sample.

    Args:
        ids: of the sample's images, in the order of the rows of both.
    """
    some = slice(0, queries)
    sides = [_ranked(features, some) for features in (before, after)]
    found = []
    for query, image_id in enumerate(ids[some]):
        one, other = (
            Nearest(dist[query].tolist(), [ids[place] for place in places[query]])
            for places, dist in sides
        )
        shared = len({*one.result} & {*other.result})
        found.append(Answered(image_id, one, other, shared))
    return found


def agreement(before: Features, after: Features) -> float | None:
    """Returns the mean share of an image's ten nearest that both versions name; None where there
    are too few images for ten."""
    if len(before) <= NEIGHBOURS:
        return None
    pairs = zip(*(_ranked(each, slice(None))[0] for each in (before, after)), strict=True)
    return float(np.mean([len(np.intersect1d(*pair)) / NEIGHBOURS for pair in pairs]))


def _ranked(features: Features, some: slice) -> tuple[NDArray[np.intp], Distances]:
    """Returns the nearest of some rows among all but themselves: places and distances, [q, k]."""
    norms = np.einsum("nd,nd->n", features, features)
    dist = norms[some, None] + norms - 2 * features[some] @ features.T
    np.maximum(dist, 0, out=dist)
    rows = np.arange(len(dist))
    dist[rows, rows] = np.inf  # the rows begin with the first image
    places = np.argsort(dist, axis=1, kind="stable")[:, : min(NEIGHBOURS, len(features) - 1)]
    return places, np.take_along_axis(dist, places, axis=1)
