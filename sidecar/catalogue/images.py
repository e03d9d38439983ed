"""The images of the catalogue, one by one and in pages."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, func, select

from sidecar.catalogue.adds import STORED
from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import features, images, models, originals, pictures
from sidecar.errors import CatalogueDamaged, UnknownImage


@dataclass(frozen=True)
class ImageRecord:
    """What is known of an image: its sequence number, when it was added (seconds since 1970), the
    SHA-256 of its upload, and the versions of the models that have features of it."""

    seq: int
    id: str
    added_at: float
    sha256: str
    versions: list[int]


@dataclass(frozen=True)
class Upload:
    """What is kept of an upload: the SHA-256 that it had, its bytes, and whether these are what was
    kept of it, or the canonical JPEG, which stands in where nothing was."""

    sha256: str
    content: bytes
    kept: bool


class Images:
    """Looks images up. What one answer needs of an image is one look-up, which is one transaction:
    out of two an overwrite could make a mixture of two images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, image_id: str) -> ImageRecord:
        """Raises UnknownImage."""
        with self._database.reading() as connection:
            return _entry(connection, image_id)

    def pictured(self, image_id: str) -> tuple[ImageRecord, bytes]:
        """What is known of an image, with its canonical JPEG.

        Raises:
            UnknownImage: no image has this id.
            CatalogueDamaged: the JPEG is not what was stored.
        """
        with self._database.reading() as connection:
            return _entry(connection, image_id), _jpeg(connection, image_id)

    def jpeg(self, image_id: str) -> bytes:
        """The canonical JPEG of an image; errors as `pictured`."""
        with self._database.reading() as connection:
            return _jpeg(connection, image_id)

    def upload(self, image_id: str) -> Upload:
        """What is kept of an upload; errors as `pictured`, where the JPEG stands in."""
        columns = (images.c.sha256, originals.c.upload)
        query = select(*columns).select_from(images.outerjoin(originals))
        with self._database.reading() as connection:
            row = _only(connection, query, image_id)
            if row.upload is None:
                return Upload(row.sha256, _jpeg(connection, image_id), kept=False)
        return Upload(row.sha256, bytes(row.upload), kept=True)

    def features(self, image_id: str, model: int) -> tuple[int, NDArray[np.float32]] | None:
        """The sequence number and the features, float32 [D], of an image by a model.

        Returns:
            None where this model has made none of it.
        Raises:
            UnknownImage, CatalogueDamaged: as `turbojpeg`.
        """
        made = (features.c.seq == images.c.seq) & (features.c.model == model)
        columns = (images.c.seq, features.c.vector, features.c.crc)
        query = select(*columns).select_from(images.outerjoin(features, made))
        with self._database.reading() as connection:
            row = _only(connection, query, image_id)
        if row.vector is None:
            return None
        if zlib.crc32(row.vector) != row.crc:
            raise CatalogueDamaged(f"the features of {image_id} are not what was stored")
        return row.seq, np.frombuffer(row.vector, STORED).astype(np.float32)

    def page(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Sequence numbers and ids of at most `limit` images, in the order they were added.

        Args:
            after: the last sequence number of the page before, 0 for the first.
        """
        query = select(images.c.seq, images.c.id).where(images.c.seq > after)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(images.c.seq).limit(limit))
            return [(row.seq, row.id) for row in rows]

    def ids_of(self, seqs: Sequence[int]) -> dict[int, str]:
        """The ids behind sequence numbers; a number that is gone is left out."""
        with self._database.glancing() as driver:
            return dict(self._database.kind.ids_of(driver, seqs))

    def count(self, after: int = 0) -> int:
        """How many images there are, with a sequence number above `after`."""
        with self._database.reading() as connection:
            return counted(connection, after)

    def last_added(self) -> tuple[int, float] | None:
        """Sequence number and time (seconds since 1970) of the newest image, if there is one."""
        query = select(images.c.seq, images.c.added_at).order_by(images.c.seq.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.seq, row.added_at)


def _entry(connection: Connection, image_id: str) -> ImageRecord:
    columns = (images.c.seq, images.c.id, images.c.added_at, images.c.sha256)
    made = select(models.c.version).join(features).order_by(models.c.version)
    row = _only(connection, select(*columns), image_id)
    versions = connection.execute(made.where(features.c.seq == row.seq)).scalars().all()
    return ImageRecord(row.seq, row.id, row.added_at, row.sha256, list(versions))


def _jpeg(connection: Connection, image_id: str) -> bytes:
    """Raises CatalogueDamaged: it is not what was stored."""
    row = _only(connection, select(pictures.c.jpeg, pictures.c.crc).join(images), image_id)
    if zlib.crc32(row.jpeg) != row.crc:
        raise CatalogueDamaged(f"the picture of {image_id} is not what was stored")
    return bytes(row.jpeg)


def counted(connection: Connection, after: int = 0) -> int:
    """How many images there are, with a sequence number above `after`, within a transaction."""
    query = select(func.count()).select_from(images)
    if after:
        query = query.where(images.c.seq > after)
    return int(connection.execute(query).scalar_one())


def _only(connection: Connection, query: Select[Any], image_id: str) -> Any:
    row = connection.execute(query.where(images.c.id == image_id)).one_or_none()
    if row is None:
        raise UnknownImage(f"no image has the id {image_id}")
    return row
