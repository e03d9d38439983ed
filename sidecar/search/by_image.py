"""Finds the neighbours of a query image: the last step of the path of an image."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Images
from sidecar.errors import (
    CatalogueUnavailable,
    FeaturesMissing,
    FeaturesUnavailable,
    IndexAhead,
    IndexDamaged,
    OtherModel,
    WrongArguments,
)
from sidecar.images import Box, ImageRules, canonical, part
from sidecar.index import SearchRequest
from sidecar.models import lanes
from sidecar.models.registry import ModelRegistry
from sidecar.search.finder import Finder
from sidecar.search.grouping import GroupFinder
from sidecar.search.neighbours import Neighbours
from sidecar.search.view import View, Views

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Search:
    """Finds the neighbours of an image, uploaded or stored.

    The distance is the squared L2 distance of features of norm 1: 0 for the same image, at most 4.
    """

    images: Images
    models: ModelRegistry
    views: Views
    finder: Finder
    groups: GroupFinder
    rules: ImageRules

    def nearest(self, upload: bytes, request: SearchRequest, box: Box | None = None) -> Neighbours:
        """Finds the images most like an uploaded one, which is embedded as the stored ones were.

        Args:
            box: the part of it that counts; None is the whole image.
        Raises:
            NoIndex, IndexDamaged, ImageUnreadable, ImageTooLarge, FeaturesUnavailable,
            ModelRefused, CatalogueUnavailable.
        """

        @cache
        def jpeg() -> bytes:
            return part(canonical(upload, self.rules), box)

        @cache
        def features(version: int, sha256: str) -> NDArray[np.float32]:
            return self.models.verified(version, sha256).features(jpeg(), lanes.SEARCH)

        def look(view: View) -> Neighbours:
            return self._found(view, features(view.version, view.sha256), request)

        return self.in_an_intact_generation(look)

    def nearest_of(
        self, features: NDArray[np.float32], version: int, request: SearchRequest
    ) -> Neighbours:
        """Finds the images most like one whose features somebody has, without an inference.

        Args:
            features: float32 [D]; any length, as only their direction counts.
            version: of the model that made them.
        Raises:
            OtherModel: searches are by another version.
            WrongArguments: the model has features of another dimension, or they are all 0.
            NoIndex, IndexDamaged, CatalogueUnavailable.
        """
        norm = float(np.linalg.norm(features))

        def look(view: View) -> Neighbours:
            if view.version != version:
                raise OtherModel(f"searches are by version {view.version}, not by {version}")
            dimension = self.models.dimension_of(view.sha256)
            if len(features) != dimension or not norm:
                raise WrongArguments(f"vector must be {dimension} numbers, not all of them 0")
            return self._found(view, features / np.float32(norm), request)

        return self.in_an_intact_generation(look)

    def nearest_to(
        self, image_id: str, request: SearchRequest, box: Box | None = None
    ) -> Neighbours:
        """Finds the images most like a stored one, itself left out, without an inference.

        Args:
            box: the part of it that counts, by an inference; None is the whole image.
        Raises:
            UnknownImage: no image has this id.
            FeaturesMissing: the model of the index has made no features of it yet.
            NoIndex, IndexDamaged, CatalogueUnavailable, CatalogueDamaged.
        """

        def look(view: View) -> Neighbours:
            if box is not None:
                image, jpeg = self.images.with_jpeg(image_id)
                model = self.models.verified(view.version, view.sha256)
                made = model.features(part(jpeg, box), lanes.SEARCH)
                return self._found(view, made, request, itself=image.seq)
            stored = self.images.features(image_id, self.models.key_of(view.sha256))
            if stored is None:
                raise FeaturesMissing(
                    f"version {view.version} has made no features of {image_id} yet"
                )
            seq, query = stored
            return self._found(view, query, request, itself=seq)

        return self.in_an_intact_generation(look)

    def nearest_by(
        self,
        query: Callable[[View], NDArray[np.float32]],
        request: SearchRequest,
        itself: int | None = None,
    ) -> Neighbours:
        """Finds the images nearest to features, float32 [D] of norm 1, that `query` makes by the
        model of what is searched; raises what that raises, and as `nearest_of`.

        Args:
            itself: the sequence number of an image that is left out.
        """
        return self.in_an_intact_generation(
            lambda view: self._found(view, query(view), request, itself)
        )

    def in_an_intact_generation(self, look: Callable[[View], Answer]) -> Answer:
        """Looks in the current generation; in the one before where it turns out to be damaged or
        the catalogue to have gone back, and in the next where one was published while its model
        left Triton. `look` keeps what it made of the query: only the model may differ."""
        generations = self.views.generations
        while True:
            view = self.views.current()  # before inference: there may be nothing to search
            generation = view.generation
            try:
                return look(view)
            except IndexDamaged as error:
                if generation is None:
                    raise
                generations.condemn(generation, error)
            except IndexAhead as error:
                generations.look_again()
                if self.views.current().generation is generation:
                    raise CatalogueUnavailable("the catalogue is being replaced") from error
            except FeaturesUnavailable:
                if self.views.current().generation is generation:
                    raise

    def _found(
        self,
        view: View,
        query: NDArray[np.float32],
        request: SearchRequest,
        itself: int | None = None,
    ) -> Neighbours:
        find = self.finder.around if request.group is None else self.groups.around
        return find(view, query, request, itself)
