"""Explains a match: which of its regions are like the query, and the keywords that both have."""

from dataclasses import dataclass

import numpy as np

from sidecar.images import Box, seen
from sidecar.models.registry import ModelRegistry
from sidecar.search.compare import SharedKeyword, shared_keywords
from sidecar.search.example import Example, Examples


@dataclass(frozen=True)
class Explanation:
    """Says why two images match.

    Args:
        similarity: the product of their features, -1 to 1; the sum of the map.
        dist: squared L2 distance of features of norm 1: 0 for the same image, at most 4.
        map: what each region of the match adds to the similarity, H rows of W numbers.
        box: the part of the match that the map covers.
        keywords_shared: likeliest first, each by its lesser probability.
        version: of the model that explained it.
    """

    similarity: float
    dist: float
    map: list[list[float]]
    box: Box
    keywords_shared: list[SharedKeyword]
    version: int


@dataclass(frozen=True)
class Explain:
    """Explains matches by the model in use."""

    examples: Examples
    models: ModelRegistry

    def explain(self, query: Example, match_id: str, threshold: float) -> Explanation:
        """Explains why a stored image matches a query.

        Args:
            threshold: the least probability that a shared keyword has in both.
        Raises:
            RegionsMissing: the version in use was exported without `--explain`.
            UnknownImage, FeaturesMissing, ImageUnreadable, TooBusy, FeaturesUnavailable,
            ModelRefused, CatalogueDamaged, CatalogueUnavailable.
        """
        model = self.models.in_use()
        model.check_regions()
        found = self.examples.found([query, Example(match_id)], model.record.model, jpegs=True)
        asked, match = found
        features = asked.features(model).astype(np.float64)
        shares = model.regions(match.jpeg) @ features
        apart = features - match.features(model)
        contract = model.contract
        return Explanation(
            similarity=float(shares.sum()),
            dist=float(apart @ apart),
            map=shares.tolist(),
            box=seen(match.jpeg, contract.resize, contract.crop),
            keywords_shared=shared_keywords(model, [each.jpeg for each in found], threshold),
            version=model.record.version,
        )
