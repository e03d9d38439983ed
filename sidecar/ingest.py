"""An upload on its way into the catalogue."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Adds, ModelRecord, NewImage
from sidecar.errors import FeaturesUnavailable, ModelReplaced
from sidecar.images import ids
from sidecar.images.codec import ImageRules, canonical
from sidecar.models.model import Lane
from sidecar.models.registry import ModelRegistry

TRIES = 4  # the model can be replaced while an image is on its way, and hardly ever twice


@dataclass(frozen=True)
class Ingest:
    """Decode, ask for features, store."""

    adds: Adds
    models: ModelRegistry
    rules: ImageRules
    keep_originals: bool

    def add(
        self,
        upload: bytes,
        image_id: str | None,
        overwrite: bool = False,
        line: Lane = Lane.ADD,
    ) -> str:
        """Add an image; when this returns it is on the disk.

        Args:
            upload: the bytes of an image file.
            image_id: the client's id, or None to draw one.
            overwrite: whether it may take the place of an image with this id.
            line: with whom it waits for its features.
        Returns:
            the id.
        Raises:
            WrongArguments, DuplicateId, ImageUnreadable, ImageTooLarge, FeaturesUnavailable,
            ModelRefused, StorageFull, CatalogueUnavailable: nothing was stored.
        """
        image_id = ids.random() if image_id is None else ids.check(image_id)
        sha256 = hashlib.sha256(upload).hexdigest()
        if not overwrite:
            self.adds.check_free(image_id, sha256)  # a retry costs no inference
        jpeg = canonical(upload, self.rules)
        original = upload if self.keep_originals and upload != jpeg else None
        for _ in range(TRIES):
            features = self._features(jpeg, line)
            new = NewImage(image_id, sha256, jpeg, features, original, overwrite)
            try:
                self.adds.add(new)
            except ModelReplaced:  # an upgrade has just come to its end
                self.models.refresh()
            else:
                return image_id
        raise ModelReplaced(
            f"the model was replaced, or does not match the catalogue: tried {TRIES} times, and "
            "the features were refused each time"
        )

    def _features(self, jpeg: bytes, line: Lane) -> dict[ModelRecord, NDArray[np.float32]]:
        """By the model in use, and by the one that is about to be: so an upgrade has an end."""
        in_use, joining = self.models.in_use(), self.models.joining()
        features = {in_use.record: in_use.features(jpeg, line)}
        if joining is not None:
            with suppress(FeaturesUnavailable):  # it is caught up with
                features[joining.record] = joining.features(jpeg, line)
        return features
