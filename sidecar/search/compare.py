"""Compares two images: how far their features are apart, and the keywords that both have."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry
from sidecar.search.example import Example, Examples

SHARED = 0.05  # the probability from which on an image has a keyword, unless a request says


@dataclass(frozen=True)
class SharedKeyword:
    """A keyword of two images: its probability in the one and in the other."""

    name: str
    score: float
    other_score: float


@dataclass(frozen=True)
class Comparison:
    """What two images have in common.

    Args:
        dist: squared L2 distance of features of norm 1: 0 for the same image, at most 4.
        keywords_shared: likeliest first, each by its lesser probability.
        version: of the model that compared them.
    """

    dist: float
    keywords_shared: list[SharedKeyword]
    version: int


@dataclass(frozen=True)
class Compare:
    """Compares images by the model in use."""

    examples: Examples
    models: ModelRegistry

    def compare(self, one: Example, other: Example, threshold: float) -> Comparison:
        """Compares two images.

        Args:
            threshold: the least probability that a shared keyword has in both.
        Raises:
            UnknownImage, FeaturesMissing, ImageUnreadable, TooBusy, FeaturesUnavailable,
            ModelRefused, CatalogueDamaged, CatalogueUnavailable.
        """
        model = self.models.in_use()
        found = self.examples.found([one, other], model.record.model, jpegs=True)
        apart = np.subtract(*(each.features(model) for each in found), dtype=np.float64)
        shared = shared_keywords(model, [each.jpeg for each in found], threshold)
        return Comparison(float(apart @ apart), shared, model.record.version)


def shared_keywords(model: Model, jpegs: Sequence[bytes], threshold: float) -> list[SharedKeyword]:
    """Returns the keywords of two canonical JPEGs, likeliest first, each by its lesser probability.

    Args:
        threshold: the least probability in both.
    Raises:
        ImageUnreadable, FeaturesUnavailable.
    """
    scores = np.stack([model.keywords(jpeg) for jpeg in jpegs])
    labels, lesser = model.files.labels, scores.min(axis=0)
    likeliest = np.argsort(-lesser, kind="stable")
    return [
        SharedKeyword(labels[i], float(scores[0, i]), float(scores[1, i]))
        for i in likeliest[lesser[likeliest] >= threshold]
    ]
