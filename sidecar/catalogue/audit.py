"""The catalogue read through: whether everything is there, and is what was stored."""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, select

from sidecar.catalogue.adds import STORED
from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import features, images, models, originals, pictures

ROWS = 64


class Audit:
    """Reads every row; adds and searches go on meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def problems(self) -> Iterator[str]:
        """A sentence for each thing that is wrong."""
        with self._database.reading() as connection:
            yield from self._database.kind.damage(connection)
        for check in (_pictures, _originals, _features, _missing):
            with self._database.reading() as connection:
                yield from check(connection)


def _pictures(connection: Connection) -> Iterator[str]:
    columns = (images.c.id, pictures.c.jpeg, pictures.c.crc)
    for row in _rows(connection, select(*columns).select_from(images.join(pictures))):
        if zlib.crc32(row.jpeg) != row.crc:
            yield f"the picture of {row.id} is not what was stored"


def _originals(connection: Connection) -> Iterator[str]:
    columns = (images.c.id, images.c.sha256, originals.c.upload)
    for row in _rows(connection, select(*columns).select_from(images.join(originals))):
        if hashlib.sha256(row.upload).hexdigest() != row.sha256:
            yield f"the upload of {row.id} is not what was stored"


def _features(connection: Connection) -> Iterator[str]:
    columns = (images.c.id, models.c.version, models.c.dimension, features.c.vector, features.c.crc)
    joined = features.join(images).join(models)
    for row in _rows(connection, select(*columns).select_from(joined)):
        if zlib.crc32(row.vector) != row.crc:
            yield f"the features of {row.id} by version {row.version} are not what was stored"
        elif len(row.vector) != row.dimension * STORED.itemsize:
            yield f"the features of {row.id} by version {row.version} have a wrong length"


def _missing(connection: Connection) -> Iterator[str]:
    """Images without their picture, or without features of the model in use."""
    query = select(images.c.id).select_from(images.outerjoin(pictures))
    for row in _rows(connection, query.where(pictures.c.seq.is_(None))):
        yield f"the picture of {row.id} is missing"
    in_use = select(models.c.model).where(models.c.in_use).scalar_subquery()
    made = (features.c.seq == images.c.seq) & (features.c.model == in_use)
    query = select(images.c.id).select_from(images.outerjoin(features, made))
    for row in _rows(connection, query.where(features.c.seq.is_(None))):
        yield f"the features of {row.id} by the model in use are missing"


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """Row by row, few in memory at once."""
    yield from connection.execute(query, execution_options={"yield_per": ROWS})
