"""Finds the images most like some examples and least like others (relevance feedback).

Source: Rocchio, "Relevance feedback in information retrieval", in Salton (ed.), "The SMART
retrieval system", 1971; the weight of the unlikes: Salton and Buckley, "Improving retrieval
performance by relevance feedback", 1990, who take 0.25 of them to 0.75 of the likes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import WrongArguments
from sidecar.fields import And, HasId, Not
from sidecar.index import SearchRequest
from sidecar.models import lanes
from sidecar.models.registry import ModelRegistry
from sidecar.search.by_image import Search
from sidecar.search.example import Example, Examples, Found
from sidecar.search.neighbours import Neighbours
from sidecar.search.view import View

UNLIKE_WEIGHT = 0.25 / 0.75
NOTHING = 1e-3  # a query shorter than this has no direction of its own

Rows = NDArray[np.float32]  # [n, D]


@dataclass(frozen=True)
class Weighted:
    """An example, and how much it counts beside others of its kind."""

    example: Example
    weight: float = 1.0


@dataclass(frozen=True)
class Feedback:
    """What a request likes and what it does not, and how much the latter counts."""

    likes: tuple[Weighted, ...]
    unlikes: tuple[Weighted, ...] = ()
    unlike_weight: float = UNLIKE_WEIGHT


@dataclass(frozen=True)
class Recommend:
    """Recommends images by the model of the index."""

    search: Search
    examples: Examples
    models: ModelRegistry

    def nearest(self, feedback: Feedback, request: SearchRequest) -> Neighbours:
        """Finds the images nearest to `query` of the examples, stored examples left out.

        Raises:
            WrongArguments: likes and unlikes cancel each other out.
            UnknownImage, FeaturesMissing, ImageUnreadable, and what a search raises.
        """
        given = [*feedback.likes, *feedback.unlikes]

        @cache
        def embedded(jpeg: bytes, version: int, sha256: str) -> Rows:
            return self.models.verified(version, sha256).features(jpeg, lanes.SEARCH)

        def features(found: Found, view: View) -> Rows:
            made = found.kept
            return embedded(found.jpeg, view.version, view.sha256) if made is None else made

        def wanted(view: View) -> Rows:
            model = self.models.key_of(view.sha256)
            found = self.examples.found([each.example for each in given], model)
            return query(np.stack([features(each, view) for each in found]), feedback)

        return self.search.nearest_by(wanted, _without(given, request))


def query(rows: Rows, feedback: Feedback) -> Rows:
    """Returns the features to look for: the weighted mean of the likes, less that of the unlikes
    times `unlike_weight`.

    Args:
        rows: float32 [n, D] of norm 1, of the likes and then the unlikes.
    Returns:
        float32 [D] of norm 1.
    Raises:
        WrongArguments: nothing is left.
    Source: Rocchio, 1971.
    """
    count = len(feedback.likes)
    wanted = _mean(rows[:count], feedback.likes)
    if feedback.unlikes:
        wanted = wanted - feedback.unlike_weight * _mean(rows[count:], feedback.unlikes)
    norm = float(np.linalg.norm(wanted))
    if norm < NOTHING:
        raise WrongArguments("what is liked and what is not cancel each other out: nothing is left")
    return (wanted / norm).astype(np.float32)


def _mean(rows: Rows, examples: Sequence[Weighted]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.average(rows, axis=0, weights=[each.weight for each in examples])
    return mean


def _without(given: Sequence[Weighted], request: SearchRequest) -> SearchRequest:
    """Returns a request that finds none of the stored images that are given."""
    ids = tuple(each.example.id for each in given if each.example.id is not None)
    if not ids:
        return request
    others = Not(HasId(ids))
    wanted = others if request.wanted is None else And((request.wanted, others))
    return replace(request, wanted=wanted)
