"""The catalogue read through: whether everything is there, and is what was stored."""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, select

from sidecar.catalogue.database import Database
from sidecar.catalogue.feature_rows import DTYPE
from sidecar.catalogue.schema import features, images, models, originals, pictures

ROWS = 64  # in memory at once


def problems(database: Database) -> Iterator[str]:
    """Reads every row, and yields a sentence for each thing that is wrong. Adds and searches go on
    meanwhile."""
    with database.reading() as connection:
        yield from database.dialect.damage(connection)
    for check in (_jpegs, _originals, _features, _missing):
        with database.reading() as connection:
            yield from check(connection)


def _jpegs(connection: Connection) -> Iterator[str]:
    columns = (images.c.id, pictures.c.jpeg, pictures.c.crc)
    for row in _rows(connection, select(*columns).select_from(images.join(pictures))):
        if zlib.crc32(row.jpeg) != row.crc:
            yield f"the JPEG of {row.id} is not what was stored"


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
        elif len(row.vector) != row.dimension * DTYPE.itemsize:
            yield f"the features of {row.id} by version {row.version} have a wrong length"


def _missing(connection: Connection) -> Iterator[str]:
    """Looks for images without their JPEG, or without features of the model in use."""
    query = select(images.c.id).select_from(images.outerjoin(pictures))
    for row in _rows(connection, query.where(pictures.c.seq.is_(None))):
        yield f"the JPEG of {row.id} is missing"
    in_use = select(models.c.model).where(models.c.in_use).scalar_subquery()
    of_model = (features.c.seq == images.c.seq) & (features.c.model == in_use)
    query = select(images.c.id).select_from(images.outerjoin(features, of_model))
    for row in _rows(connection, query.where(features.c.seq.is_(None))):
        yield f"the features of {row.id} by the model in use are missing"


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """Yields row by row, with few in memory at once."""
    yield from connection.execute(query, execution_options={"yield_per": ROWS})
