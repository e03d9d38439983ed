"""A catalogue copied whole into another, of whatever kind of database either is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Table, delete, func, insert, select

from sidecar.catalogue import last_backup, store_in_use
from sidecar.catalogue.contents import unnamed
from sidecar.catalogue.contents.copying import CopiedContents
from sidecar.catalogue.database import Database, OpenTransaction
from sidecar.catalogue.schema import (
    duplicate_decisions,
    generations,
    image_metadata,
    images,
    marks,
    metadata,
    models,
    readers,
    removals,
    shared_versions,
    unnamed_objects,
)
from sidecar.errors import BackupRefused

ROWS_AT_ONCE = {"originals": 4}  # whole uploads; other rows are small
ROWS = 128
# Numbers that are never used twice.
COUNTED = (
    images.c.seq,
    removals.c.removal,
    models.c.model,
    marks.c.number,
    image_metadata.c.change,
    duplicate_decisions.c.change,
)

# Of an object store and of the hosts around the source: the copy has neither.
LEFT_BEHIND = (generations, readers, shared_versions, unnamed_objects)

HOLDS_IMAGES = "the catalogue to be filled holds images already"

OnProgress = Callable[[str, int], None]


@contextmanager
def copying(moment: OpenTransaction, target: Database, report: OnProgress) -> Iterator[None]:
    """Fills an empty catalogue in one transaction, committed when the block ends without an error.

    Args:
        moment: an open transaction, so that all tables are of one moment.
        report: called with each table and how many of its rows have been copied.
    Raises:
        BackupRefused: the target holds images.
        StorageFull, CatalogueUnavailable: nothing was copied.
        PicturesStoreUnavailable: the store of either could not be asked; nothing was copied.
    """
    contents = CopiedContents(moment.objects, target.objects)
    with moment.reading() as source, target.writing() as connection:
        if connection.execute(select(images.c.seq).limit(1)).first() is not None:
            raise BackupRefused(HOLDS_IMAGES)
        for table in reversed(metadata.sorted_tables):
            if table is not unnamed_objects:  # those of the target's store are swept all the same
                connection.execute(delete(table))
        for table in metadata.sorted_tables:
            if table in LEFT_BEHIND:
                continue
            _copy_table(source, connection, table, contents, report)
        last_backup.forget(connection)
        unnamed.forget_hold(connection)
        store_in_use.note(connection, target.objects.url, target.objects.folder)
        for column in COUNTED:
            # Not only the largest that is left: the newest image may have been removed.
            largest = int(source.execute(select(func.coalesce(func.max(column), 0))).scalar_one())
            number = max(largest, moment.dialect.last_number(source, column))
            target.dialect.set_last_number(connection, column, number)
        yield


def _copy_table(
    source: Connection,
    target: Connection,
    table: Table,
    contents: CopiedContents,
    report: OnProgress,
) -> None:
    """Copies a table, few rows in memory at once."""
    at_once, done = ROWS_AT_ONCE.get(table.name, ROWS), 0
    options = {"yield_per": at_once}
    result = source.execute(select(table).order_by(*table.primary_key), execution_options=options)
    for rows in result.mappings().partitions():
        target.execute(insert(table), contents.copied(table, [dict(row) for row in rows]))
        done += len(rows)
        report(table.name, done)
