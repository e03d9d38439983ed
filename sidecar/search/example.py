"""The images that a request asks with: stored ones by their ids, and uploads."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Images, Stored
from sidecar.errors import CatalogueDamaged, FeaturesMissing, SimilarityError, UnknownImage
from sidecar.images import Box, ImageRules, canonical, part
from sidecar.models import lanes
from sidecar.models.model import Model


@dataclass(frozen=True)
class Example:
    """A stored image by its id, or an upload by its canonical JPEG.

    Args:
        box: the part of it that counts; None is the whole.
    """

    id: str = ""
    jpeg: bytes = b""
    box: Box | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What there is of an example.

    Args:
        stored: None for an upload.
        jpeg: what is embedded of it; b"" where its features are stored and no JPEG was asked for.
        kept: its features as they are stored, float32 [D]; None where they have to be made.
    """

    stored: Stored | None
    jpeg: bytes
    kept: NDArray[np.float32] | None

    def features(self, model: Model) -> NDArray[np.float32]:
        """Returns the features, float32 [D]. Raises ImageUnreadable, FeaturesUnavailable."""
        return model.features(self.jpeg, lanes.SEARCH) if self.kept is None else self.kept


@dataclass(frozen=True)
class Examples:
    """Makes examples of uploads, and looks up stored ones."""

    images: Images
    rules: ImageRules

    def uploaded(self, upload: bytes, box: Box | None = None) -> Example:
        """Makes an example of an image file, or of a part of it.

        Raises:
            ImageUnreadable, ImageTooLarge, TooBusy.
        """
        return Example(jpeg=canonical(upload, self.rules), box=box)

    def found(self, examples: Sequence[Example], model: int, jpegs: bool = False) -> list[Found]:
        """Looks all stored ones up at one moment.

        Args:
            model: the catalogue's key of the one whose features are read.
            jpegs: whether their JPEGs are wanted, too.
        Raises:
            UnknownImage: no image has this id.
            FeaturesMissing: the model has made no features of it yet.
            ImageUnreadable, TooBusy: a part can't be cut out.
            CatalogueDamaged, CatalogueUnavailable.
        """
        found: list[Found] = []
        for each in self.each(examples, model, jpegs):
            if isinstance(each, SimilarityError):
                raise each
            found.append(each)
        return found

    def each(
        self, examples: Sequence[Example], model: int, jpegs: bool = False
    ) -> list[Found | SimilarityError]:
        """Does as `found`, and returns for each example what there is of it, or its error."""
        jpegs = jpegs or any(each.box for each in examples)
        stored = self.images.stored([each.id for each in examples if each.id], model, jpegs)
        return [_found_or_error(each, stored.get(each.id)) for each in examples]


def _found_or_error(
    example: Example, stored: Stored | CatalogueDamaged | None
) -> Found | SimilarityError:
    try:
        return _found(example, stored)
    except SimilarityError as error:
        return error


def _found(example: Example, stored: Stored | CatalogueDamaged | None) -> Found:
    if not example.id:
        return Found(None, part(example.jpeg, example.box), None)
    if stored is None:
        raise UnknownImage(f"no image has the id {example.id}")
    if isinstance(stored, CatalogueDamaged):
        raise stored
    if example.box is not None:
        return Found(stored, part(stored.jpeg, example.box), None)
    if stored.features is None:
        raise FeaturesMissing(f"the model has made no features of {example.id} yet")
    return Found(stored, stored.jpeg, stored.features)
