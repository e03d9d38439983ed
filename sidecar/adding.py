"""An upload on its way into the catalogue."""

import hashlib
from dataclasses import dataclass

from sidecar import ids
from sidecar.catalogue import Adds, NewImage
from sidecar.images import ImageRules, canonical
from sidecar.model import Line
from sidecar.models import VerifiedModels


@dataclass(frozen=True)
class Adding:
    """Decode, ask for features, store."""

    adds: Adds
    models: VerifiedModels
    rules: ImageRules
    keep_originals: bool

    def add(
        self,
        upload: bytes,
        image_id: str | None,
        overwrite: bool = False,
        line: Line = Line.ADD,
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
        model = self.models.in_use()
        features = model.features(jpeg, line)
        original = upload if self.keep_originals and upload != jpeg else None
        record = model.record.model
        new = NewImage(image_id, sha256, jpeg, record, features, original, overwrite)
        self.adds.add(new)
        return image_id
