"""The catalogue read through: whether everything is there, and is what was stored."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, func, select

from sidecar.catalogue import row_checksums, task_rows
from sidecar.catalogue.contents.walk import KINDS, walk
from sidecar.catalogue.database import Database
from sidecar.catalogue.duplicates.pairs import PARTNERS
from sidecar.catalogue.features import keyword_rows
from sidecar.catalogue.features.feature_rows import DTYPE
from sidecar.catalogue.schema import (
    duplicate_decisions,
    features,
    image_metadata,
    images,
    models,
    originals,
    pictures,
    removals,
    tasks,
)
from sidecar.errors import UnknownTask

Check = Callable[[Connection], Iterator[str]]

ROWS = 64  # in memory at once

# What names its image, or its model, by a key.
REFERENCES = (
    ("the JPEG", pictures, pictures.c.seq, images.c.seq),
    ("the upload", originals, originals.c.seq, images.c.seq),
    ("the features", features, features.c.seq, images.c.seq),
    ("the features", features, features.c.model, models.c.model),
    *(
        (f"the {what} of duplicates", column.table, column, images.c.seq)
        for column, what in zip(PARTNERS, 2 * ["pairs"] + 2 * ["decisions"], strict=True)
    ),
)


def problems(database: Database) -> Iterator[str]:
    """Reads every row, and yields a sentence for each thing that is wrong. Adds and searches go on
    meanwhile."""
    with database.reading() as connection:
        yield from database.dialect.damage(connection)
    yield from _each_at_one_moment(database, ENTRIES)
    for kind in KINDS:
        for page in walk(database, kind):
            yield from (each.wrong for each in page if each.wrong is not None)
    yield from _each_at_one_moment(database, THE_REST)


def _images(connection: Connection) -> Iterator[str]:
    query = select(*row_checksums.IMAGE, images.c.crc.label("stored"))
    for row in _rows(connection, query.select_from(images.join(pictures))):
        if not row_checksums.is_whole(row.stored, *row[:-1]):
            yield f"the entry of {row.id} (number {row.seq}) is not what was stored"


def _models(connection: Connection) -> Iterator[str]:
    in_use = 0
    for row in _rows(connection, select(*row_checksums.MODEL, models.c.crc, models.c.in_use)):
        in_use += row.in_use
        if not row_checksums.is_whole(row.crc, *row[:-2]):
            yield f"the entry of the model's version {row.version} is not what was stored"
    if in_use > 1:
        yield f"{in_use} versions of the model are marked as in use"
    elif not in_use and connection.execute(select(features.c.seq).limit(1)).first():
        yield "there are features, and no version of the model is marked as in use"


def _removals(connection: Connection) -> Iterator[str]:
    for row in _rows(connection, select(*row_checksums.REMOVAL, removals.c.crc)):
        if not row_checksums.is_whole(row.crc, *row[:-1]):
            yield f"removal {row.removal} (of the image number {row.seq}) is not what was stored"


def _metadata(connection: Connection) -> Iterator[str]:
    query = select(*row_checksums.METADATA, image_metadata.c.crc, images.c.id)
    joined = image_metadata.join(images, images.c.seq == image_metadata.c.seq)
    for row in _rows(connection, query.select_from(joined)):
        if not row_checksums.is_whole(row.crc, *row[:-2]):
            yield f"the metadata of {row.id} are not what was stored"


def _decisions(connection: Connection) -> Iterator[str]:
    for row in _rows(connection, select(*row_checksums.DECISION, duplicate_decisions.c.crc)):
        if not row_checksums.is_whole(row.crc, *row[:-1]):
            yield (
                f"decision {row.change} (about the images number {row.a} and {row.b}) is not what "
                "was stored"
            )


def _tasks(connection: Connection) -> Iterator[str]:
    for (task_id,) in connection.execute(select(tasks.c.task_id)).all():
        try:
            task_rows.get(connection, task_id)
        except UnknownTask:
            continue  # a torn index of the table: `damage` says so
        except (ValueError, TypeError, KeyError) as error:
            yield f"the entry of task {task_id} can't be read: {error}"


def _features(connection: Connection) -> Iterator[str]:
    of_model = (models.c.model, models.c.version, models.c.dimension)
    made = (features.c.vector, features.c.crc, features.c.keywords)
    query = select(images.c.seq, images.c.id, *of_model, *made)
    for row in _rows(connection, query.select_from(features.join(images).join(models))):
        if zlib.crc32(row.vector) != row.crc:
            yield f"the features of {row.id} by version {row.version} are not what was stored"
        elif len(row.vector) != row.dimension * DTYPE.itemsize:
            yield f"the features of {row.id} by version {row.version} have a wrong length"
        stored = row.keywords
        if stored is not None and not keyword_rows.is_whole(row.seq, row.model, stored):
            yield f"the keywords of {row.id} by version {row.version} are not what was stored"


def _missing(connection: Connection) -> Iterator[str]:
    """Looks for images without their JPEG, or without features of the model in use."""
    query = select(images.c.id).select_from(images.outerjoin(pictures))
    for row in _rows(connection, query.where(pictures.c.seq.is_(None))):
        yield f"the JPEG of {row.id} is missing"
    in_use = select(func.min(models.c.model)).where(models.c.in_use).scalar_subquery()
    of_model = (features.c.seq == images.c.seq) & (features.c.model == in_use)
    query = select(images.c.id).select_from(images.outerjoin(features, of_model))
    for row in _rows(connection, query.where(features.c.seq.is_(None))):
        yield f"the features of {row.id} by the model in use are missing"


def _orphans(connection: Connection) -> Iterator[str]:
    """Looks for what belongs to an image, or to a model, that is not there."""
    for what, table, key, of in REFERENCES:
        for number in _without(connection, table, key, of):
            yield f"{what} numbered {number} belong to no row of {of.table.name}"


def _without(
    connection: Connection, table: Table, key: Column[Any], of: Column[Any]
) -> Iterator[int]:
    """Yields the keys of a table's rows that name no row of another table, each once."""
    joined = table.outerjoin(of.table, key == of)
    query = select(key).distinct().select_from(joined).where(of.is_(None)).order_by(key)
    for row in _rows(connection, query):
        yield row[0]


def _rows(connection: Connection, query: Select[Any]) -> Iterator[Any]:
    """Yields row by row, with few in memory at once."""
    yield from connection.execute(query, execution_options={"yield_per": ROWS})


def _each_at_one_moment(database: Database, checks: tuple[Check, ...]) -> Iterator[str]:
    for check in checks:
        with database.reading() as connection:
            yield from check(connection)


ENTRIES: tuple[Check, ...] = (
    _images,
    _models,
    _removals,
    _metadata,
    _decisions,
    _tasks,
)
THE_REST: tuple[Check, ...] = (
    _features,
    _missing,
    _orphans,
)
