"""Images on their way out: rows that go, and the tombstones that they leave.

A generation of the index can't be changed, so it still holds what is removed after it was made. The
tombstones are what each search has to leave out. The next generation leaves it out for good; a
tombstone goes when no generation on the volume can hold its image any more.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select

from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import features, images, originals, pictures, removals
from sidecar.errors import UnknownImage
from sidecar.images import ids


@dataclass(frozen=True)
class Removed:
    """What was removed: sequence numbers, and the number of the last of these removals."""

    seqs: list[int]
    last: int


class Removals:
    """The one way out, and the list of what has gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remove(self, image_id: str) -> None:
        """Removes an image with all that was made of it; when this returns the removal is on the
        disk.

        It works on a full volume, too, and gives room back there.

        Raises:
            UnknownImage: no image has this id.
        """
        self._database.even_when_full(lambda: self._remove(image_id))
        if self._database.dialect.is_short_of_room():
            self._database.release_space()

    def _remove(self, image_id: str) -> None:
        with self._database.writing() as connection:
            bury(connection, [_seq(connection, image_id)])

    def since(self, removal: int) -> Removed:
        """Returns what was removed after the removal with this number."""
        query = (
            select(removals.c.removal, removals.c.seq)
            .where(removals.c.removal > removal)
            .order_by(removals.c.removal)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return Removed([row.seq for row in rows], rows[-1].removal if rows else removal)

    def last(self) -> tuple[int, float] | None:
        """Returns number and time (seconds since 1970) of the newest removal, if there is one."""
        columns = (removals.c.removal, removals.c.removed_at)
        query = select(*columns).order_by(removals.c.removal.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.removal, row.removed_at)

    def forget(self, up_to: int) -> None:
        """Deletes the tombstones up to this removal, which no generation needs, and gives their
        space back."""
        with self._database.writing() as connection:
            connection.execute(delete(removals).where(removals.c.removal <= up_to))
        self._database.release_space()


def _seq(connection: Connection, image_id: str) -> int:
    """Returns the sequence number of an image. Raises UnknownImage."""
    for spelling in ids.spellings(image_id):
        query = select(images.c.seq).where(images.c.id == spelling)
        seq = connection.execute(query).scalar_one_or_none()
        if seq is not None:
            return int(seq)
    raise UnknownImage(f"no image has the id {image_id}")


def bury(connection: Connection, seqs: Collection[int]) -> None:
    """Deletes images from all tables, within a transaction, and leaves their tombstones."""
    if not seqs:
        return
    for table in (pictures, originals, features, images):
        connection.execute(delete(table).where(table.c.seq.in_(seqs)))
    now = time.time()
    connection.execute(insert(removals), [{"seq": seq, "removed_at": now} for seq in seqs])


def newest(connection: Connection) -> int:
    """Returns the number of the newest removal that has a tombstone, 0 if there is none."""
    return int(
        connection.execute(select(func.coalesce(func.max(removals.c.removal), 0))).scalar_one()
    )
