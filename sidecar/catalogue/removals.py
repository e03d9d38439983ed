"""Images on their way out: rows that go, and the tombstones that they leave.

A generation of the index can't be changed, so it still holds what is removed after it was made. The
tombstones are what each search has to leave out. The next generation leaves it out for good; a
tombstone goes when no generation on the volume can hold its image any more.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from sidecar.catalogue.contents import unnamed
from sidecar.catalogue.database import Database
from sidecar.catalogue.duplicates import pair_rows
from sidecar.catalogue.images import find_row, unknown
from sidecar.catalogue.row_checksums import checksum
from sidecar.catalogue.schema import (
    features,
    image_metadata,
    images,
    originals,
    pictures,
    removals,
)


@dataclass(frozen=True)
class Tombstone:
    """What is left of a removed image: the number of the removal, the sequence number of the
    image, and when it was removed (seconds since 1970)."""

    removal: int
    seq: int
    removed_at: float


@dataclass(frozen=True)
class Removed:
    """What was removed: sequence numbers, the number of the last of these removals, and its
    tombstone, if there were any."""

    seqs: list[int]
    last: int
    newest: Tombstone | None = None


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
        if self.remove_all([image_id]) == [False]:
            raise unknown(image_id)

    def remove_all(self, image_ids: Sequence[str]) -> list[bool]:
        """Removes images in one commit, as `remove`; returns of each whether there was one."""
        removed = self._database.even_when_full(lambda: self._remove(image_ids))
        if self._database.dialect.is_short_of_room():
            self._database.release_space()
        return removed

    def _remove(self, image_ids: Sequence[str]) -> list[bool]:
        seqs: dict[int, None] = {}
        removed = []
        with self._database.writing() as connection:
            for image_id in image_ids:
                row = find_row(connection, select(images.c.seq), image_id)
                removed.append(row is not None and row.seq not in seqs)
                if row is not None:
                    seqs[row.seq] = None
            bury(connection, list(seqs))
        return removed

    def since(self, removal: int, up_to: int | None = None) -> Removed:
        """Returns what was removed after the removal with this number, and up to another one if
        that is given."""
        columns = (removals.c.removal, removals.c.seq, removals.c.removed_at)
        query = select(*columns).where(removals.c.removal > removal).order_by(removals.c.removal)
        if up_to is not None:
            query = query.where(removals.c.removal <= up_to)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        newest = Tombstone(*rows[-1]) if rows else None
        return Removed([row.seq for row in rows], newest.removal if newest else removal, newest)

    def has(self, tombstone: Tombstone) -> bool:
        """Says whether the catalogue has this very tombstone."""
        columns = (removals.c.removal, removals.c.seq, removals.c.removed_at)
        query = select(*columns).where(removals.c.removal == tombstone.removal)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return row is not None and Tombstone(*row) == tombstone

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
        old = removals.c.removal <= up_to
        with self._database.writing() as connection:
            # Left behind where a process of the release before removed the image.
            of_gone = image_metadata.c.seq.in_(select(removals.c.seq).where(old))
            connection.execute(delete(image_metadata).where(of_gone))
            connection.execute(delete(removals).where(old))
        self._database.release_space()


def bury(connection: Connection, seqs: Collection[int]) -> None:
    """Deletes images from all tables, within a transaction, and leaves their tombstones."""
    if not seqs:
        return
    pair_rows.drop_of(connection, seqs)
    unnamed.note_of(connection, seqs)
    for table in (pictures, originals, features, image_metadata, images):
        connection.execute(delete(table).where(table.c.seq.in_(seqs)))
    now = time.time()
    rows = [{"seq": seq, "removed_at": now} for seq in seqs]
    numbers = connection.execute(
        insert(removals).returning(removals.c.removal, removals.c.seq), rows
    )
    sums = [{"number": row.removal, "sum": checksum(*row, now)} for row in numbers]
    which = removals.c.removal == bindparam("number")
    connection.execute(update(removals).where(which).values(crc=bindparam("sum")), sums)


def newest(connection: Connection) -> int:
    """Returns the number of the newest removal that has a tombstone, 0 if there is none."""
    return int(
        connection.execute(select(func.coalesce(func.max(removals.c.removal), 0))).scalar_one()
    )
