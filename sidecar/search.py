"""A query image to the ids of its neighbours: the last step of the path of an image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Images
from sidecar.errors import FeaturesMissing, IndexDamaged
from sidecar.images.codec import ImageRules, canonical
from sidecar.index import Generation, GenerationStore, SearchRequest, Tombstones, rank
from sidecar.models.model import Lane
from sidecar.models.registry import ModelRegistry
from sidecar.telemetry import timings


@dataclass(frozen=True)
class Neighbours:
    """An answer: distances ascending, with the ids they belong to, and where it came from."""

    dist: list[float]
    result: list[str]
    version: int
    generation: int


@dataclass(frozen=True)
class Search:
    """Look around an image, be it uploaded or stored.

    The distance is the squared L2 distance of unit features: 0 for the same image, at most 4.
    """

    images: Images
    models: ModelRegistry
    generations: GenerationStore
    tombstones: Tombstones
    rules: ImageRules

    def nearest(self, upload: bytes, wanted: SearchRequest) -> Neighbours:
        """Find the images most like an uploaded one, embedded as the stored ones were.

        Raises:
            NoIndex, IndexDamaged, ImageUnreadable, ImageTooLarge, FeaturesUnavailable,
            ModelRefused, CatalogueUnavailable.
        """

        @cache
        def jpeg() -> bytes:
            return canonical(upload, self.rules)

        @cache
        def features(version: int, sha256: str) -> NDArray[np.float32]:
            return self.models.verified(version, sha256).features(jpeg(), Lane.SEARCH)

        def look(generation: Generation) -> Neighbours:
            meta = generation.meta
            return self._around(generation, features(meta.version, meta.sha256), wanted)

        return self._in_a_whole_generation(look)

    def nearest_to(self, image_id: str, wanted: SearchRequest) -> Neighbours:
        """Find the images most like a stored one, itself left out; no inference is needed.

        Raises:
            UnknownImage: no image has this id.
            FeaturesMissing: the model that is searched with has made no features of it yet.
            NoIndex, IndexDamaged, CatalogueUnavailable, CatalogueDamaged.
        """

        def look(generation: Generation) -> Neighbours:
            stored = self.images.features(image_id, self.models.recorded(generation.meta.sha256))
            if stored is None:
                version = generation.meta.version
                raise FeaturesMissing(f"version {version} has made no features of {image_id} yet")
            seq, query = stored
            return self._around(generation, query, wanted, itself=seq)

        return self._in_a_whole_generation(look)

    def _in_a_whole_generation(self, look: Callable[[Generation], Neighbours]) -> Neighbours:
        """Where a generation turns out to be damaged, the one before answers. What `look` has made
        of the query it keeps: only the model may be another one."""
        while True:
            generation = self.generations.current()  # first: without an index no inference is due
            try:
                return look(generation)
            except IndexDamaged as error:
                self.generations.condemn(generation, error)

    def _around(
        self,
        generation: Generation,
        query: NDArray[np.float32],
        wanted: SearchRequest,
        itself: int | None = None,
    ) -> Neighbours:
        without, known = self.tombstones.known(generation), -1
        while True:
            with timings.stage("search"):
                seqs, dist = rank(generation, query, wanted, without, itself)
                ids = self.images.ids_of(seqs.tolist())
            gone = 0 if without is None else len(without.labels)
            if len(ids) == len(seqs) or gone == known:
                break
            known = gone  # an image has been removed since: look again, without it
            without = self.tombstones.refreshed(generation)
        found = [(d, ids[s]) for d, s in zip(dist.tolist(), seqs.tolist(), strict=True) if s in ids]
        return Neighbours(
            [d for d, _ in found], [i for _, i in found], generation.meta.version, generation.number
        )
