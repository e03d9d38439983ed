"""Neighbours with what is known of each: its metadata and its keywords."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from sidecar.catalogue import Features, Metadata, Models
from sidecar.models.keywords import Keyword, named
from sidecar.models.registry import ModelRegistry
from sidecar.search.neighbours import Neighbours


@dataclass(frozen=True)
class Match:
    """An image that a search found.

    Args:
        dist: squared L2 distance.
        keywords: by the model that was searched with, likeliest first; None where they were not
            made yet.
    """

    id: str
    dist: float
    metadata: dict[str, Any]
    keywords: list[Keyword] | None


@dataclass(frozen=True)
class Matches:
    """Looks up what is known of neighbours."""

    metadata: Metadata
    features: Features
    known: Models
    registry: ModelRegistry

    def of(self, neighbours: Neighbours) -> list[Match]:
        """Returns a match for each neighbour, in their order.

        Raises:
            FeaturesUnavailable, ModelRefused: the repository lacks the names of the keywords.
            CatalogueUnavailable.
        """
        documents = self.metadata.of_all(neighbours.seqs)
        keywords = self._keywords(neighbours)
        rows = zip(neighbours.seqs, neighbours.result, neighbours.dist, strict=True)
        return [
            Match(image_id, dist, json.loads(documents.get(seq, "{}")), keywords.get(seq))
            for seq, image_id, dist in rows
        ]

    def _keywords(self, neighbours: Neighbours) -> dict[int, list[Keyword]]:
        """Returns the stored keywords of those that have any, by sequence number."""
        if not neighbours.seqs:
            return {}
        model = self.known.get(neighbours.sha256)
        names = self.registry.labels_of(model)
        page = self.features.keywords_of(model.model, neighbours.seqs)
        ends = np.cumsum(page.counts)
        found = {}
        for seq, known, count, end in zip(page.seqs, page.known, page.counts, ends, strict=True):
            if known:
                here = slice(end - count, end)
                found[int(seq)] = named(names, page.labels[here], page.scores[here])
        return found
