"""Which generation of a shared index each process that searches has open: a task waits for the slow
ones, and keeps what they need."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from sidecar.catalogue.clock import DatabaseTime
from sidecar.catalogue.database import Connections
from sidecar.catalogue.schema import readers

SEEN_S = 60.0  # after its last life sign a process may still be there: its machine was only busy
GONE_S = 3600.0


@dataclass(frozen=True)
class Reader:
    """A process that searches.

    Args:
        process: a word of its own.
        host: on which it runs, with the processes that have the same DATA_DIR.
        generation: the number of the one that it has open; 0 for none.
        draft: the digest of the draft that it has open besides, ready for use.
    """

    process: str
    host: str
    generation: int
    draft: str | None = None


class Readers:
    """The processes that search, by the database's clock."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def note(self, reader: Reader) -> None:
        """Notes what a process has open now."""
        values = {**vars(reader), "seen_at": DatabaseTime()}
        with self._database.writing() as connection:
            mine = readers.c.process == reader.process
            if not connection.execute(update(readers).where(mine).values(values)).rowcount:
                connection.execute(insert(readers).values(values))

    def gone(self, process: str) -> None:
        """Strikes a process off that ends."""
        with self._database.writing() as connection:
            connection.execute(delete(readers).where(readers.c.process == process))

    def seen(self, within_s: float) -> list[Reader]:
        """Returns the processes that gave a life sign within so many seconds."""
        columns = (readers.c.process, readers.c.host, readers.c.generation, readers.c.draft)
        query = select(*columns).where(readers.c.seen_at >= DatabaseTime() - within_s)
        with self._database.reading() as connection:
            return [Reader(*row) for row in connection.execute(query.order_by(readers.c.host))]


def opened_since(connection: Connection, within_s: float) -> set[int]:
    """Returns the numbers of the generations that such processes have open."""
    query = select(readers.c.generation).where(readers.c.seen_at >= DatabaseTime() - within_s)
    return {*connection.execute(query).scalars()}


def forget_gone(connection: Connection) -> None:
    """Strikes off the processes that have been silent for an hour."""
    connection.execute(delete(readers).where(readers.c.seen_at < DatabaseTime() - GONE_S))
