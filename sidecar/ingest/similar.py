"""Adds images that are compared with the stored ones before they are stored themselves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import PROBABLE, DuplicateKind, ModelRecord, Unlike
from sidecar.errors import SimilarImage
from sidecar.index import SearchRequest
from sidecar.index.lookalikes import NPROB
from sidecar.index.probability import GENERAL, TENTH
from sidecar.ingest.single import Ingest, Made
from sidecar.models import lanes
from sidecar.search.by_image import Search
from sidecar.search.likeness import Likeness
from sidecar.search.neighbours import Neighbours
from sidecar.search.view import View

LEAST = PROBABLE[DuplicateKind.SAME]
ALONE = Likeness(GENERAL, None)  # of the first image of all


@dataclass(frozen=True)
class Similar:
    """A stored image that is near to one that was added; the fields are keys of the answer.

    Args:
        dist: squared L2 distance.
        probability: that both are the same, 0..1; None where fewer than ten others are there.
    """

    id: str
    dist: float
    probability: float | None


@dataclass(frozen=True)
class NewUpload:
    """An upload on its way in; the arguments of `Ingest.add`."""

    upload: bytes
    image_id: str | None
    overwrite: bool
    document: str | None


@dataclass
class _Seen:
    """What the search of an add has found; None where nothing is stored."""

    found: Neighbours | None = None

    @property
    def near(self) -> list[Similar]:
        if self.found is None:
            return []
        likely = self.found.probability or []
        each = zip(self.found.result, self.found.dist, likely, strict=True)
        return [Similar(*row) for row in each]

    @property
    def likeness(self) -> Likeness:
        known = None if self.found is None else self.found.likeness
        return ALONE if known is None else known


@dataclass(frozen=True)
class SimilarAdds:
    """Adds images by way of a search.

    Args:
        nprob: how carefully it looks at least.
    """

    ingest: Ingest
    search: Search
    nprob: int

    def add(self, new: NewUpload, report: int, unique: bool) -> tuple[str, list[Similar]]:
        """Adds an image; it is on the disk when this returns.

        Args:
            report: how many of the nearest stored images are returned.
            unique: whether it is refused where it is stored already, under another id.
        Returns:
            its id, and the nearest, itself left out.
        Raises:
            SimilarImage: it is stored already; nothing was changed.
            What `Ingest.add` and `Search.nearest_by` raise: nothing was stored.
        """
        seen = _Seen()

        def look(made: Made) -> Unlike | None:
            newest = self.search.images.last_added()  # what comes later is seen when it is stored
            seen.found = None if newest is None else self._nearest(made, report, new.overwrite)
            if not unique:
                return None
            limit = seen.likeness.farthest(LEAST)
            self._check(made, seen.near, limit)
            return Unlike(newest[0] if newest else 0, _record(made, seen.found), limit)

        try:
            image_id = self.ingest.add(
                new.upload, new.image_id, new.overwrite, new.document, look=look
            )
        except SimilarImage as error:  # maybe found where it was to be stored, by its distance
            [probability] = seen.likeness.probabilities([error.dist])
            raise SimilarImage(error.image_id, error.dist, probability) from error
        return image_id, seen.near[:report]

    def _nearest(self, made: Made, report: int, overwrite: bool) -> Neighbours:
        """Searches with what is about to be stored, without what it replaces."""

        def features(view: View) -> NDArray[np.float32]:
            for record, each in made.described.items():
                if record.sha256 == view.sha256:
                    return each.features
            model = self.search.models.verified(view.version, view.sha256)
            return model.features(made.jpeg, lanes.ADD)

        own = self.search.images.seqs_of([made.image_id]) if overwrite else []
        count, nprob = max(report, TENTH), max(self.nprob, NPROB)
        request = SearchRequest(count, nprob, math.inf, probability=True)
        return self.search.nearest_by(features, request, own[0] if own else None)

    def _check(self, made: Made, near: Sequence[Similar], limit: float) -> None:
        """Raises SimilarImage where one of the nearest is the same image."""
        uploads = self.search.images.uploads([each.id for each in near])
        for each in near:
            if each.dist <= limit or uploads.get(each.id) == made.sha256:
                raise SimilarImage(each.id, each.dist, each.probability)


def _record(made: Made, found: Neighbours | None) -> ModelRecord:
    """Returns the model by which two images are compared that are added at the same instant."""
    records = [*made.described]
    searched = [each for each in records if found is not None and each.sha256 == found.sha256]
    return (searched or records)[0]
