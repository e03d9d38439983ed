"""A walk over the JPEGs and uploads of the catalogue, wherever their bytes are."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, select, true

from sidecar.catalogue.contents.reading import damage, missing
from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import images, originals, pictures


@dataclass(frozen=True)
class Kind:
    """What there is of an image: its table and the column with the bytes, how it is named, and how
    many are held in memory at once."""

    table: Table
    blob: Column[bytes]
    what: str
    at_once: int


KINDS = (
    Kind(pictures, pictures.c.jpeg, "the JPEG", 64),
    Kind(originals, originals.c.upload, "the upload", 4),
)


@dataclass(frozen=True)
class Walked:
    """A row with its image's `id` and `sha256`, its bytes, and a sentence about what is wrong with
    them, if anything is."""

    row: Any
    content: bytes
    wrong: str | None


def walk(
    database: Database, kind: Kind, which: ColumnElement[bool] | None = None
) -> Iterator[list[Walked]]:
    """Yields the rows of a kind in order of their numbers, some at a time; those alone of which
    `which` holds. A page is a transaction of its own, and its objects are read after that.

    Raises:
        PicturesStoreUnavailable.
    """
    seq, after = kind.table.c.seq, 0
    query = select(kind.table, images.c.id, images.c.sha256).join(images, images.c.seq == seq)
    query = query.where(true() if which is None else which).order_by(seq).limit(kind.at_once)
    while True:
        with database.reading() as connection:
            rows = connection.execute(query.where(seq > after)).all()
        if not rows:
            return
        stored = [(getattr(row, kind.blob.name), row.object) for row in rows]
        found = zip(rows, database.objects.read_all(stored), strict=True)
        yield [Walked(row, content or b"", _wrong(kind, row, content)) for row, content in found]
        after = rows[-1].seq


def _wrong(kind: Kind, row: Any, content: bytes | None) -> str | None:
    """Says what is wrong with bytes, a JPEG by its CRC-32 and an upload by its SHA-256."""
    what = f"{kind.what} of {row.id}"
    if kind.table is pictures:
        return damage(what, content, row.crc)
    if content is None:
        return missing(what)
    is_whole = hashlib.sha256(content).hexdigest() == row.sha256
    return None if is_whole else f"{what} is not what was stored"
