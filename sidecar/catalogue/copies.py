"""A catalogue copied whole into another, of whatever kind of database either is."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, delete, func, insert, select

from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import images, metadata, models, removals, tasks
from sidecar.catalogue.sqlite import SQLite
from sidecar.errors import BackupRefused

if TYPE_CHECKING:
    from sidecar.catalogue.postgresql import PostgreSQL

ROWS_AT_ONCE = {"originals": 4}  # whole uploads; other rows are small
ROWS = 128
COUNTED = (images.c.seq, removals.c.removal, models.c.model)

Report = Callable[[str, int], None]


def started(source: Connection) -> set[str]:
    """The tasks that had taken their snapshot by the moment that `source` shows: a generation that
    one of them made holds no image that this moment does not know of."""
    query = select(tasks.c.task_id).where(tasks.c.snapshot.is_not(None))
    return set(source.execute(query).scalars())


def copy(
    source: Connection,
    kind: "SQLite | PostgreSQL",
    target: Database,
    report: Report,
    finish: Callable[[], None] = lambda: None,
) -> None:
    """Fill an empty catalogue in one transaction.

    Args:
        source: within a transaction, so that all tables are of one moment.
        kind: of the source's database.
        report: is told each table and how many of its rows have been copied.
        finish: what else must succeed before the copy counts.
    Raises:
        BackupRefused: the target holds images.
        StorageFull, CatalogueUnavailable: nothing was copied.
    """
    with target.writing() as connection:
        if connection.execute(select(images.c.seq).limit(1)).first() is not None:
            raise BackupRefused("the catalogue that is to be filled holds images already")
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            _copy_table(source, connection, table, report)
        for column in COUNTED:
            # Not only the largest that is left: the newest image may have been removed.
            largest = int(source.execute(select(func.coalesce(func.max(column), 0))).scalar_one())
            number = max(largest, kind.last_number(source, column))
            target.kind.set_last_number(connection, column, number)
        finish()


def _copy_table(source: Connection, target: Connection, table: Table, report: Report) -> None:
    at_once, done = ROWS_AT_ONCE.get(table.name, ROWS), 0
    options = {"yield_per": at_once}
    result = source.execute(select(table).order_by(*table.primary_key), execution_options=options)
    for rows in result.mappings().partitions():
        target.execute(insert(table), [dict(row) for row in rows])
        done += len(rows)
        report(table.name, done)
