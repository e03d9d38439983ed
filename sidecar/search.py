"""Finds the neighbours of a query image: the last step of the path of an image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Images
from sidecar.errors import (
    CatalogueUnavailable,
    FeaturesMissing,
    FeaturesUnavailable,
    IndexAhead,
    IndexDamaged,
)
from sidecar.images import ImageRules, canonical
from sidecar.index import Generation, GenerationStore, SearchRequest, Tombstones, rank
from sidecar.models import lanes
from sidecar.models.registry import ModelRegistry
from sidecar.telemetry import timings


@dataclass(frozen=True)
class Neighbours:
    """Holds the answer to a search.

    Args:
        dist: squared L2 distances, ascending.
        result: the ids of the images at these distances.
        version: of the model that was searched with.
        generation: number of the one that was searched.
    """

    dist: list[float]
    result: list[str]
    version: int
    generation: int


@dataclass(frozen=True)
class Search:
    """Finds the neighbours of an image, uploaded or stored.

    The distance is the squared L2 distance of features of norm 1: 0 for the same image, at most 4.
    """

    images: Images
    models: ModelRegistry
    generations: GenerationStore
    tombstones: Tombstones
    rules: ImageRules

    def nearest(self, upload: bytes, request: SearchRequest) -> Neighbours:
        """Finds the images most like an uploaded one, which is embedded as the stored ones were.

        Raises:
            NoIndex, IndexDamaged, ImageUnreadable, ImageTooLarge, FeaturesUnavailable,
            ModelRefused, CatalogueUnavailable.
        """

        @cache
        def jpeg() -> bytes:
            return canonical(upload, self.rules)

        @cache
        def features(version: int, sha256: str) -> NDArray[np.float32]:
            return self.models.verified(version, sha256).features(jpeg(), lanes.SEARCH)

        def look(generation: Generation) -> Neighbours:
            meta = generation.meta
            return self._around(generation, features(meta.version, meta.sha256), request)

        return self._in_an_intact_generation(look)

    def nearest_to(self, image_id: str, request: SearchRequest) -> Neighbours:
        """Finds the images most like a stored one, itself left out, without an inference.

        Raises:
            UnknownImage: no image has this id.
            FeaturesMissing: the model of the index has made no features of it yet.
            NoIndex, IndexDamaged, CatalogueUnavailable, CatalogueDamaged.
        """

        def look(generation: Generation) -> Neighbours:
            stored = self.images.features(image_id, self.models.key_of(generation.meta.sha256))
            if stored is None:
                version = generation.meta.version
                raise FeaturesMissing(f"version {version} has made no features of {image_id} yet")
            seq, query = stored
            return self._around(generation, query, request, itself=seq)

        return self._in_an_intact_generation(look)

    def _in_an_intact_generation(self, look: Callable[[Generation], Neighbours]) -> Neighbours:
        """Looks in the current generation; in the one before where it turns out to be damaged or
        the catalogue to have gone back, and in the next where one was published while its model
        left Triton. `look` keeps what it made of the query: only the model may differ."""
        while True:
            generation = self.generations.current()  # before inference: there may be no index
            try:
                return look(generation)
            except IndexDamaged as error:
                self.generations.condemn(generation, error)
            except IndexAhead as error:
                self.generations.look_again()
                if self.generations.current() is generation:
                    raise CatalogueUnavailable("the catalogue is being replaced") from error
            except FeaturesUnavailable:
                if self.generations.current() is generation:
                    raise

    def _around(
        self,
        generation: Generation,
        query: NDArray[np.float32],
        request: SearchRequest,
        itself: int | None = None,
    ) -> Neighbours:
        """Ranks again, without the removed images, until the catalogue has an id for each image
        that was found, or knows of no further removal."""
        excluded, count_before = self.tombstones.known(generation), -1
        while True:
            with timings.stage("search"):
                seqs, dist = rank(generation, query, request, excluded, itself)
                ids = self.images.ids_of(seqs.tolist(), generation.meta.mark)
            count = 0 if excluded is None else len(excluded.labels)
            if len(ids) == len(seqs) or count == count_before:
                break
            if not self.generations.fits(generation.meta):
                raise IndexAhead(f"generation {generation.number} is newer than the catalogue")
            count_before = count
            excluded = self.tombstones.refreshed(generation)
        found = [(d, ids[s]) for d, s in zip(dist.tolist(), seqs.tolist(), strict=True) if s in ids]
        return Neighbours(
            [d for d, _ in found], [i for _, i in found], generation.meta.version, generation.number
        )
