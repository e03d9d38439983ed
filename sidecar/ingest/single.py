"""Brings an upload into the catalogue: decode, embed, commit."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sidecar.catalogue import Adds, ModelRecord, NewImage, Unlike
from sidecar.errors import FeaturesUnavailable, ModelReplaced
from sidecar.images import ImageRules, canonical, ids
from sidecar.models import lanes
from sidecar.models.lanes import Lane
from sidecar.models.model import Description
from sidecar.models.registry import ModelRegistry


@dataclass(frozen=True, eq=False)
class Made:
    """What was made of an upload that is about to be stored.

    Args:
        sha256: of the upload, hex.
        jpeg: the canonical JPEG.
        described: by the model in use, and then by the one about to be.
    """

    image_id: str
    sha256: str
    jpeg: bytes
    described: dict[ModelRecord, Description]


Look = Callable[[Made], Unlike | None]  # raises what keeps an image away

TRIES = 4  # a model may be replaced while an image is embedded, and hardly ever twice


@dataclass(frozen=True)
class Ingest:
    """Adds images one at a time, from many threads.

    Args:
        adds: the catalogue's way in.
        models: makes the features and the keywords, in one inference.
        rules: of uploads.
        keep_originals: whether the upload is kept beside its canonical JPEG.
    """

    adds: Adds
    models: ModelRegistry
    rules: ImageRules
    keep_originals: bool

    def add(
        self,
        upload: bytes,
        image_id: str | None,
        overwrite: bool = False,
        document: str | None = None,
        lane: Lane = lanes.ADD,
        look: Look | None = None,
    ) -> str:
        """Adds an image; it is on the disk when this returns.

        Args:
            upload: the bytes of an image file.
            image_id: the client's id; None draws one.
            overwrite: whether it may replace an image with this id.
            document: its metadata, as `fields.checked` returns it.
            lane: of the requests that share its call to Triton.
            look: sees what was made of the upload before it is stored, and returns what it must be
                unlike.
        Returns:
            the id.
        Raises:
            what `look` raises, and SimilarImage: it is like another one;
            WrongArguments, DuplicateId, ImageUnreadable, ImageTooLarge, FeaturesUnavailable,
            ModelRefused, StorageFull, CatalogueUnavailable: nothing was stored.
        """
        image_id = ids.random() if image_id is None else self.adds.new_id(image_id)
        sha256 = hashlib.sha256(upload).hexdigest()
        if not overwrite:
            self.adds.check_free(image_id, sha256)  # a retry costs no inference
        jpeg = canonical(upload, self.rules)
        original = upload if self.keep_originals and upload != jpeg else None
        for _ in range(TRIES):
            try:
                made = self._described(jpeg, lane)
                features = {record: each.features for record, each in made.items()}
                keywords = {record: each.keywords for record, each in made.items()}
                unlike = look(Made(image_id, sha256, jpeg, made)) if look else None
                image = NewImage(
                    *(image_id, sha256, jpeg, features, original, overwrite, document),
                    keywords,
                    unlike,
                )
                self.adds.add(image)
            except ModelReplaced:  # an upgrade has just ended
                self.models.refresh()
            else:
                return image_id
        raise ModelReplaced(
            "the model was replaced, or does not match the catalogue: the catalogue refused the "
            f"features, tried {TRIES} times"
        )

    def _described(self, jpeg: bytes, lane: Lane) -> dict[ModelRecord, Description]:
        """Embeds by the model in use and the one about to be, so that an upgrade catches up.

        Raises:
            ModelReplaced: the model in use was replaced, and Triton may serve it no more.
        """
        remembered, joining = self.models.remembered, self.models.joining()
        try:
            in_use = self.models.in_use()
            made = {in_use.record: in_use.describe(jpeg, lane)}
        except FeaturesUnavailable as error:
            if self.models.is_in_use(remembered):
                raise
            raise ModelReplaced("the model was replaced while it was asked") from error
        if joining is not None:
            with suppress(FeaturesUnavailable):  # the upgrade embeds it later
                made[joining.record] = joining.describe(jpeg, lane)
        return made
