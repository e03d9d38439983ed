"""An upload on its way into the catalogue."""

import hashlib
from dataclasses import dataclass

from sidecar import ids
from sidecar.catalogue import Entries, NewImage
from sidecar.images import ImageRules, canonical
from sidecar.models import VerifiedModels


@dataclass(frozen=True)
class Adding:
    """Decode, ask for features, store."""

    entries: Entries
    models: VerifiedModels
    rules: ImageRules

    def add(self, upload: bytes, image_id: str | None) -> str:
        """Add an image; when this returns it is on the disk.

        Args:
            upload: the bytes of an image file.
            image_id: the client's id, or None to draw one.
        Returns:
            the id.
        Raises:
            WrongArguments, DuplicateId, ImageUnreadable, ImageTooLarge, FeaturesUnavailable,
            ModelRefused, StorageFull, CatalogueUnavailable: nothing was stored.
        """
        image_id = ids.random() if image_id is None else ids.check(image_id)
        sha256 = hashlib.sha256(upload).hexdigest()
        self.entries.check_free(image_id, sha256)  # a retry costs no inference
        jpeg = canonical(upload, self.rules)
        model = self.models.in_use()
        features = model.features(jpeg)
        self.entries.add(NewImage(image_id, sha256, jpeg, model.record.model, features))
        return image_id
