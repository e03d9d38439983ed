"""Versions of the model that several hosts share: which files each is of, and which were taken out.

    published ──► rejected or retired ──► published once more

The first host that publishes a number decides which files it stands for.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from sidecar.catalogue.database import Connections
from sidecar.catalogue.schema import shared_versions as table


@dataclass(frozen=True)
class SharedVersion:
    """A version in the object store.

    Args:
        digest: the SHA-256 of its manifest.
        host: that has published it.
        change: a word for the last change of this row: who has acted on it need not again.
        moved_to: the folder of the model repository into which every host puts it away; None while
            it is to be had.
    """

    version: int
    digest: str
    host: str
    change: str
    moved_to: str | None = None


class SharedVersions:
    """The versions in the object store; without one there are none."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def all(self) -> list[SharedVersion]:
        """Returns what there is, by number."""
        with self._database.reading() as connection:
            return _rows(connection)

    def publish(self, version: int, digest: str, host: str, over: SharedVersion | None) -> bool:
        """Makes a version one of all hosts, its objects being in the store.

        Args:
            over: the row in whose place it comes, as it was last seen; None where there was none.
        Returns:
            whether it is: another host may have been first.
        """
        row = SharedVersion(version, digest, host, str(uuid.uuid4()))
        with self._database.writing() as connection:
            there = {each.version: each for each in _rows(connection)}.get(version)
            if there != over:
                return False
            connection.execute(delete(table).where(table.c.version == version))
            connection.execute(insert(table).values(vars(row)))
        return True

    def take_out(self, version: int, moved_to: str) -> None:
        """Has every host put a version away, if there is one of this number."""
        values = {"moved_to": moved_to, "change": str(uuid.uuid4())}
        with self._database.writing() as connection:
            connection.execute(update(table).where(table.c.version == version).values(values))

    def forget(self) -> None:
        """Strikes all off: one host goes on alone, by what it has."""
        with self._database.writing() as connection:
            connection.execute(delete(table))


def _rows(connection: Connection) -> list[SharedVersion]:
    columns = (table.c.version, table.c.digest, table.c.host, table.c.change, table.c.moved_to)
    rows = connection.execute(select(*columns).order_by(table.c.version))
    return [SharedVersion(*row) for row in rows]
