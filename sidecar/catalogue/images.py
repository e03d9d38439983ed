"""The images of the catalogue, one by one and in pages."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, func, select

from sidecar.catalogue import contents, model_rows, row_checksums
from sidecar.catalogue.database import Database
from sidecar.catalogue.dialects.dialect import Seen
from sidecar.catalogue.features import feature_rows, keyword_rows
from sidecar.catalogue.features.keyword_rows import TopKeywords
from sidecar.catalogue.lookups import Stored, look_up, spellings, stored
from sidecar.catalogue.model_rows import ModelRecord
from sidecar.catalogue.schema import features, images, models, named, originals, pictures
from sidecar.errors import CatalogueDamaged, UnknownImage
from sidecar.images import ids

NOTHING = Seen()
AT_ONCE = 1000  # ids in a query


@dataclass(frozen=True)
class ImageRecord:
    """What is known of an image: its sequence number, its id, when it was added (seconds since
    1970), the SHA-256 of its upload, and the versions of the models that have features of it."""

    seq: int
    id: str
    added_at: float
    sha256: str
    versions: list[int]


@dataclass(frozen=True)
class Upload:
    """What is kept of an upload.

    Args:
        sha256: of the upload, hex.
        content: the upload where it was kept, else the canonical JPEG.
        kept: whether it was kept.
    """

    sha256: str
    content: bytes
    kept: bool


@dataclass(frozen=True)
class Described:
    """An image with what can be said of it without an inference.

    Args:
        image: what is known of it.
        jpeg: its canonical JPEG.
        model: the one in use; None before the first add.
        keywords: by this model; None where they were not made yet, or are damaged.
    """

    image: ImageRecord
    jpeg: bytes
    model: ModelRecord | None
    keywords: TopKeywords | None


class Images:
    """Looks images up. All that one answer needs of an image is read in one transaction: between
    two, an overwrite could replace the image, and the answer would mix both. Only objects are read
    after it: no other image ever has the same.

    Where PICTURES_STORE is away, what has to read an object raises PicturesStoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, image_id: str) -> ImageRecord:
        """Returns what is known of an image.

        Raises:
            UnknownImage: no image has this id.
            CatalogueDamaged: its row is not what was stored.
        """
        with self._database.reading() as connection:
            return _record(connection, image_id)

    def with_jpeg(self, image_id: str) -> tuple[ImageRecord, bytes]:
        """Returns what is known of an image, with its canonical JPEG.

        Raises:
            UnknownImage: no image has this id.
            CatalogueDamaged: its row or the JPEG is not what was stored.
        """
        with self._database.reading() as connection:
            image, picture = _record(connection, image_id), _picture(connection, image_id)
        return image, self._jpeg(image_id, picture)

    def described(self, image_id: str) -> Described:
        """Returns an image with its keywords by the model in use; errors as `with_jpeg`."""
        with self._database.reading() as connection:
            image, picture = _record(connection, image_id), _picture(connection, image_id)
            model = model_rows.find(connection, models.c.in_use)
            keywords = None if model is None else _keywords(connection, image.seq, model.model)
        return Described(image, self._jpeg(image_id, picture), model, keywords)

    def jpeg(self, image_id: str) -> bytes:
        """Returns the canonical JPEG of an image; errors as `with_jpeg`."""
        with self._database.reading() as connection:
            picture = _picture(connection, image_id)
        return self._jpeg(image_id, picture)

    def upload(self, image_id: str) -> Upload:
        """Returns what is kept of an upload; errors as `with_jpeg`, of the canonical JPEG only
        where it stands in."""
        columns = (images.c.sha256, originals.c.upload, originals.c.object)
        query = select(*columns).select_from(images.outerjoin(originals))
        with self._database.reading() as connection:
            row = row_of(connection, query, image_id)
            picture = _picture(connection, image_id) if row.upload is None else None
        if picture is not None:
            return Upload(row.sha256, self._jpeg(image_id, picture), kept=False)
        content = self._database.objects.read((row.upload, row.object))
        if content is None:
            raise CatalogueDamaged(contents.missing(f"the upload of {image_id}"))
        return Upload(row.sha256, content, kept=True)

    def features(self, image_id: str, model: int) -> tuple[int, NDArray[np.float32]] | None:
        """Returns the sequence number of an image and its features, float32 [D], by a model; None
        where the catalogue has none by this model.

        Raises:
            UnknownImage: no image has this id.
            CatalogueDamaged: the features are not what was stored.
        """
        of_model = (features.c.seq == images.c.seq) & (features.c.model == model)
        columns = (images.c.seq, features.c.vector, features.c.crc)
        query = select(*columns).select_from(images.outerjoin(features, of_model))
        with self._database.reading() as connection:
            row = row_of(connection, query, image_id)
        if row.vector is None:
            return None
        if zlib.crc32(row.vector) != row.crc:
            raise CatalogueDamaged(f"the features of {image_id} are not what was stored")
        return row.seq, feature_rows.from_row(row.vector)

    def stored(
        self, image_ids: Sequence[str], model: int, jpegs: bool = False
    ) -> dict[str, Stored | CatalogueDamaged]:
        """Returns many images as of one moment, by the ids asked for: with their features by a
        model, or what is wrong with one. An unknown id is left out.

        Args:
            jpegs: whether with their canonical JPEGs, too.
        """
        with self._database.reading() as connection:
            rows = look_up(connection, image_ids, model, jpegs)
        return stored(self._database.objects, rows)

    def uploads(self, image_ids: Sequence[str]) -> dict[str, str]:
        """Returns the SHA-256 of the upload of each image that is stored, by the id asked for."""
        spelt = {
            spelling: image_id
            for image_id in image_ids
            for spelling in reversed(spellings(image_id))
        }
        query = select(images.c.id, images.c.sha256).where(images.c.id.in_(spelt))
        with self._database.reading() as connection:
            return {spelt[row.id]: row.sha256 for row in connection.execute(query)}

    def seqs_of(self, image_ids: Sequence[str]) -> list[int]:
        """Returns the sequence numbers of those of some images that are stored, ascending."""
        asked = [spelling for image_id in image_ids for spelling in spellings(image_id)]
        found: list[int] = []
        with self._database.reading() as connection:
            for start in range(0, len(asked), AT_ONCE):
                some = asked[start : start + AT_ONCE]
                query = select(images.c.seq).where(images.c.id.in_(some))
                found += connection.execute(query).scalars()
        return sorted(found)

    def page(self, after: int, limit: int, newest: bool = False) -> list[tuple[int, str]]:
        """Returns sequence numbers and ids of at most `limit` images, in the order they were added.

        Args:
            after: the last sequence number of the page before; for the first 0, or the largest.
            newest: the newest image first, and from there on the older ones.
        """
        seq = images.c.seq
        query = select(seq, images.c.id).where(seq < after if newest else seq > after)
        ordered = query.order_by(seq.desc() if newest else seq).limit(limit)
        with self._database.reading() as connection:
            return [(row.seq, row.id) for row in connection.execute(ordered)]

    def ids_of(self, seqs: Sequence[int], seen: Seen = NOTHING) -> dict[int, str]:
        """Returns the ids behind sequence numbers, without those that are gone.

        Args:
            seen: where the numbers are from; if the catalogue lacks it, they may be other images'
                by now, and none is returned.
        """
        with self._database.driver() as driver:
            return dict(self._database.dialect.ids_of(driver, seqs, seen))

    def _jpeg(self, image_id: str, picture: Any) -> bytes:
        """Returns the canonical JPEG that a row has or names. Raises CatalogueDamaged."""
        [jpeg] = contents.jpegs_of(self._database.objects, [picture])
        return contents.checked(image_id, jpeg, picture.jpeg_crc)

    def count(self, after: int = 0) -> int:
        """Counts the images with a sequence number above `after`."""
        with self._database.reading() as connection:
            return count_images(connection, after)

    def last_added(self) -> tuple[int, float] | None:
        """Returns sequence number and time (seconds since 1970) of the newest image, if there is
        one."""
        query = select(images.c.seq, images.c.added_at).order_by(images.c.seq.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.seq, row.added_at)


def count_images(connection: Connection, after: int = 0) -> int:
    """Counts the images with a sequence number above `after`, within a transaction."""
    query = select(func.count()).select_from(images)
    if after:
        query = query.where(images.c.seq > after)
    return int(connection.execute(query).scalar_one())


def _record(connection: Connection, image_id: str) -> ImageRecord:
    columns = (*row_checksums.IMAGE, images.c.crc.label("stored"))
    row = row_of(connection, select(*columns).select_from(images.outerjoin(pictures)), image_id)
    if not row_checksums.is_whole(row.stored, *row[:-1]):
        raise CatalogueDamaged(f"the entry of {image_id} is not what was stored")
    made_by = select(models.c.version).join(features).order_by(models.c.version)
    versions = connection.execute(made_by.where(features.c.seq == row.seq)).scalars().all()
    return ImageRecord(row.seq, row.id, row.added_at, row.sha256, list(versions))


def _picture(connection: Connection, image_id: str) -> Any:
    """Returns the row of an image's canonical JPEG. Raises UnknownImage."""
    return row_of(connection, select(*contents.JPEG).join(images), image_id)


def _keywords(connection: Connection, seq: int, model: int) -> TopKeywords | None:
    row = (features.c.seq == seq) & (features.c.model == model)
    column = connection.execute(select(features.c.keywords).where(row)).scalar_one_or_none()
    return keyword_rows.from_column(seq, model, column)


def row_of(connection: Connection, query: Select[Any], image_id: str) -> Any:
    """Returns the one row of an image. Raises UnknownImage."""
    row = find_row(connection, query, image_id)
    if row is None:
        raise unknown(image_id)
    return row


def find_row(connection: Connection, query: Select[Any], image_id: str) -> Any:
    """Returns the one row of an image, None where there is none."""
    for spelling in ids.spellings(image_id):
        row = connection.execute(query.where(named(images.c.id, spelling))).one_or_none()
        if row is not None:
            return row
    return None


def unknown(image_id: str) -> UnknownImage:
    """Returns the error of an id that no image has."""
    return UnknownImage(f"no image has the id {image_id}")
