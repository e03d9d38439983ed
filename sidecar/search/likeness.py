"""Which of a query's neighbours are the same image: as far as its tenth nearest says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index import SearchRequest
from sidecar.index.probability import COPIES, GENERAL, SAME, TENTH, Constants, tenth_of
from sidecar.models.registry import ModelRegistry


@dataclass(frozen=True)
class Likeness:
    """Says how probable it is that an image is the same as a query.

    Args:
        constants: of the model that made the features.
        tenth: the distance of the query's tenth nearest of all images; None where there are fewer.
    """

    constants: Constants
    tenth: float | None

    def farthest(self, least: float | None) -> float:
        """Returns the distance up to which an image is the same with at least a probability, 0..1;
        None is any. Where fewer than ten others are there to compare with, none but exact copies
        are known to be the same."""
        if least is None:
            return math.inf
        if self.tenth is None:
            return SAME
        return max(self.constants.farthest(self.tenth, least), SAME)

    def probabilities(self, dist: Sequence[float]) -> list[float | None]:
        """Returns for each distance how probable it is that the image is the same, 0..1; None of
        each where fewer than ten others are there to compare with."""
        if self.tenth is None:
            return [None] * len(dist)
        each = self.constants.probabilities(np.array(dist, np.float32), self.tenth)
        return [round(value, 4) for value in each.tolist()]


def constants_of(models: ModelRegistry, sha256: str) -> Constants:
    """Returns the constants of the model with this file, the general ones where it has none."""
    own = models.same_image_by(sha256)
    return GENERAL if own is None else Constants(own.a, own.b)


def likeness_of(dist: NDArray[np.float32], constants: Constants) -> Likeness:
    """Returns the likeness of a query by the distances of its nearest, float32 [n] ascending."""
    return Likeness(constants, tenth_of(dist))


def around(nprob: int) -> SearchRequest:
    """Returns the request that finds as many as it takes to know the tenth nearest."""
    return SearchRequest(TENTH + COPIES, nprob, math.inf)
