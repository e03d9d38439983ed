"""The JPEGs and uploads of the catalogue read through, wherever they are."""

import hashlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select

from sidecar.catalogue import contents
from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import images, originals, pictures

JPEGS, UPLOADS = 64, 4  # in memory at once


def damaged_contents(database: Database) -> Iterator[str]:
    """Reads every JPEG and every upload, and yields a sentence for each that is missing or not what
    was stored. A page is a transaction of its own, and its objects are read after that.

    Raises:
        PicturesStoreUnavailable.
    """
    query = select(images.c.seq, images.c.id, *contents.JPEG).join_from(images, pictures)
    for rows in _pages(database, query, JPEGS):
        for row, jpeg in zip(rows, contents.jpegs_of(database.objects, rows), strict=True):
            wrong = contents.damage(f"the JPEG of {row.id}", jpeg, row.jpeg_crc)
            if wrong is not None:
                yield wrong
    columns = (images.c.seq, images.c.id, images.c.sha256, originals.c.upload, originals.c.object)
    for rows in _pages(database, select(*columns).join_from(images, originals), UPLOADS):
        found = database.objects.read_all([(row.upload, row.object) for row in rows])
        for row, upload in zip(rows, found, strict=True):
            what = f"the upload of {row.id}"
            if upload is None:
                yield contents.missing(what)
            elif hashlib.sha256(upload).hexdigest() != row.sha256:
                yield f"{what} is not what was stored"


def _pages(database: Database, query: Select[Any], limit: int) -> Iterator[list[Any]]:
    """Yields rows with a sequence number, in order of these, `limit` at a time."""
    after = 0
    while True:
        some = query.where(images.c.seq > after).order_by(images.c.seq).limit(limit)
        with database.reading() as connection:
            rows = list(connection.execute(some))
        if not rows:
            return
        yield rows
        after = rows[-1].seq
