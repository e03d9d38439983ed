"""Images on their way into the catalogue.

Concurrent adds share a commit, since one sync of the disk costs the same for fifty rows as for one.
"""

import time
import zlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, insert, select

from sidecar.batching import Batcher
from sidecar.catalogue import metadata, model_rows
from sidecar.catalogue.contents import unnamed
from sidecar.catalogue.database import Database
from sidecar.catalogue.dialects.dialect import Dialect
from sidecar.catalogue.duplicates import decision_rows
from sidecar.catalogue.features import feature_rows
from sidecar.catalogue.model_rows import ModelRecord
from sidecar.catalogue.new_image import NewImage
from sidecar.catalogue.newcomers import Newcomers
from sidecar.catalogue.placing import placed, take_back
from sidecar.catalogue.removals import bury
from sidecar.catalogue.row_checksums import checksum
from sidecar.catalogue.schema import features, images, originals, pictures
from sidecar.errors import (
    DuplicateId,
    ModelRefused,
    ModelReplaced,
    SimilarImage,
    StorageFull,
)
from sidecar.images import ids

LARGEST_COMMIT = 256  # images

Refusal = DuplicateId | SimilarImage | ModelReplaced | ModelRefused
Added = int | Refusal  # a sequence number, or why there is none
# After any other error an image may be stored all the same, and needs its objects.
NOT_STORED = (DuplicateId, SimilarImage, ModelReplaced, ModelRefused, StorageFull)


class Adds:
    """The one way in."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits: Batcher[NewImage, int] = Batcher("commit", self._commit, LARGEST_COMMIT)

    def new_id(self, image_id: str) -> str:
        """Returns the id under which an image is added: in NFC, but for one of an older release
        that is stored as it came.

        Raises:
            WrongArguments: it is no id, and none is stored under it.
        """
        if ids.is_settled(image_id):
            return image_id
        with self._database.driver() as driver:
            stored = self._database.dialect.find(driver, ids.known(image_id))
        return ids.check(image_id) if stored is None else ids.known(image_id)

    def check_free(self, image_id: str, sha256: str) -> None:
        """Spares an upload its inference when its id is in use already.

        Raises:
            DuplicateId: it is; `identical` says whether by an upload of this SHA-256.
        """
        with self._database.driver() as driver:
            stored = self._database.dialect.find(driver, image_id)
        if stored is not None:
            raise _duplicate(image_id, sha256, stored[1])

    def add(self, image: NewImage) -> int:
        """Stores an image; when this returns it is on the disk.

        Returns:
            its sequence number.
        Raises:
            DuplicateId: the id is in use, and the image is not to overwrite; nothing was changed.
            SimilarImage: it is to be unlike all others, and is not; nothing was changed.
            ModelReplaced: it lacks features of the model in use; nothing was stored.
            ModelRefused: the model in use gave features of another length; nothing was stored.
            StorageFull, CatalogueUnavailable, PicturesStoreUnavailable: nothing was stored.
        """
        objects = self._database.objects
        [image] = placed(objects, [image])
        try:
            return self._commits.ask(image)
        except NOT_STORED:
            take_back(objects, [image])
            raise

    def add_all(self, batch: list[NewImage]) -> list[Added]:
        """Stores images in one commit, as `store_all`.

        Raises:
            StorageFull, CatalogueUnavailable, PicturesStoreUnavailable: nothing was stored.
        """
        objects = self._database.objects
        batch = placed(objects, batch)
        try:
            added = self._commit(batch)
        except NOT_STORED:
            take_back(objects, batch)
            raise
        refused = [
            image for image, each in zip(batch, added, strict=True) if not isinstance(each, int)
        ]
        take_back(objects, refused)
        return added

    def _commit(self, batch: list[NewImage]) -> list[Added]:
        self._database.dialect.check_room()
        with self._database.writing() as connection:
            return store_all(connection, self._database.dialect, batch)


def store_all(connection: Connection, dialect: Dialect, batch: list[NewImage]) -> list[Added]:
    """Stores images within a transaction; an image that is refused does not hinder the others.

    Features of a model that the catalogue no longer knows, just as they name it, are left out.

    Returns:
        for each image its sequence number, or why it has none.
    """
    known, in_use = model_rows.known(connection)
    stored = _stored(connection, {image.id for image in batch})
    taken = {image_id: sha256 for image_id, (_, sha256) in stored.items()}
    chosen: dict[str, NewImage] = {}
    refused: dict[int, Refusal] = {}
    newcomers = Newcomers(connection, [image.unlike for image in batch if image.unlike])
    for place, image in enumerate(batch):
        refusal = _features_refused(image, in_use)
        if refusal is not None:
            refused[place] = refusal
        elif image.id in taken and not image.overwrite:
            refused[place] = _duplicate(image.id, image.sha256, taken[image.id])
        elif image.unlike and (alike := newcomers.alike(image.newcomer, image.unlike)):
            refused[place] = SimilarImage(*alike, None)
        else:
            newcomers.add(image.newcomer)
            if image.id in chosen:
                unnamed.note(connection, chosen[image.id].objects)
            chosen[image.id] = image  # of several that overwrite, the last one stays
            taken[image.id] = image.sha256
    seqs = dialect.draw_numbers(connection, images.c.seq, len(chosen)) if chosen else []
    numbered = dict(zip(chosen, seqs, strict=True))
    replaced = {image_id: stored[image_id] for image_id in chosen if image_id in stored}
    unchanged = {
        seq: numbered[image_id]
        for image_id, (seq, sha256) in replaced.items()
        if chosen[image_id].sha256 == sha256
    }
    decision_rows.carry_over(connection, dialect, unchanged)
    bury(connection, [seq for seq, _ in replaced.values()])
    _insert(connection, numbered, chosen, known)
    documents = {
        seq: document
        for image_id, seq in numbered.items()
        if (document := chosen[image_id].document) is not None
    }
    metadata.store(connection, dialect, documents)
    return [refused.get(place) or numbered[image.id] for place, image in enumerate(batch)]


def _features_refused(
    image: NewImage, in_use: ModelRecord | None
) -> ModelReplaced | ModelRefused | None:
    """Returns why the catalogue does not take an image's features, if it does not."""
    if in_use is None or in_use not in image.features:
        return ModelReplaced("the model was replaced while the image was on its way")
    if not feature_rows.fits(in_use, image.features[in_use]):
        shape = list(image.features[in_use].shape)
        return ModelRefused(
            f"version {in_use.version} gave features of the shape {shape}, and the catalogue keeps "
            f"{in_use.dimension} values of an image by it"
        )
    return None


def _insert(
    connection: Connection,
    seqs: dict[str, int],
    chosen: dict[str, NewImage],
    known: frozenset[ModelRecord],
) -> None:
    """Inserts images with their sequence numbers, both by id."""
    if not chosen:
        return
    now = time.time()
    new_images: list[dict[str, Any]] = []
    new_pictures: list[dict[str, Any]] = []
    new_features: list[dict[str, Any]] = []
    new_originals: list[dict[str, Any]] = []
    for image_id, image in chosen.items():
        seq = seqs[image_id]
        jpeg_crc = zlib.crc32(image.jpeg)
        row = {"seq": seq, "id": image_id, "sha256": image.sha256, "added_at": now}
        new_images.append(row | {"crc": checksum(*row.values(), jpeg_crc)})
        jpeg = _kept("jpeg", image.jpeg, image.jpeg_object)
        new_pictures.append({"seq": seq, "crc": jpeg_crc} | jpeg)
        new_features += [
            feature_rows.to_row(seq, record.model, each, image.keywords.get(record))
            for record, each in image.features.items()
            if record in known and feature_rows.fits(record, each)  # else an upgrade catches up
        ]
        if image.original is not None:
            upload = _kept("upload", image.original, image.original_object)
            new_originals.append({"seq": seq} | upload)
    connection.execute(insert(images), new_images)
    connection.execute(insert(pictures), new_pictures)
    connection.execute(insert(features), new_features)
    if new_originals:
        connection.execute(insert(originals), new_originals)


def _kept(column: str, content: bytes, name: str | None) -> dict[str, Any]:
    """Returns the columns that have bytes, or the name of their object."""
    if name is None:
        return {column: content, "object": None, "bytes": None}
    return {column: b"", "object": name, "bytes": len(content)}


def _stored(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Returns the sequence number and the SHA-256 of those of these ids that are in use."""
    query = select(images.c.id, images.c.seq, images.c.sha256).where(images.c.id.in_(ids))
    return {row.id: (row.seq, row.sha256) for row in connection.execute(query)}


def _duplicate(image_id: str, sha256: str, stored: str) -> DuplicateId:
    what = "the same image" if stored == sha256 else "another image"
    return DuplicateId(f"the id {image_id} is in use by {what}", identical=stored == sha256)
