"""Generations of the index that several hosts share: which there are, and which one is searched.

    announce ──► upload ──► hosts fetch it ──► publish        in the transaction that ends the task

Announced, a generation is a draft: its number is taken, and its objects are named, so that no sweep
of the store takes them. Only a task that is held announces and publishes, so there is one draft.
"""

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, insert, select, update

from sidecar.catalogue.database import Connections
from sidecar.catalogue.hosts.readers import SEEN_S, forget_gone, opened_since
from sidecar.catalogue.schema import generations as table
from sidecar.errors import SettingsError, TaskLost


@dataclass(frozen=True)
class Shared:
    """A generation in the object store.

    Args:
        digest: the SHA-256 of its manifest; None in the row that says that there is no index.
        sha256: of its model.
        mark, removals: as in the manifest.
        is_published: False for a draft.
    """

    number: int
    digest: str | None
    sha256: str | None
    mark: str | None
    removals: int
    is_published: bool


class Generations:
    """The generations in the object store; without one there are none. What writes is for an open
    transaction of a task that is held."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def all(self) -> list[Shared]:
        """Returns what there is, ascending by number, a draft last."""
        columns = (table.c.number, table.c.digest, table.c.sha256, table.c.mark, table.c.removals)
        query = select(*columns, table.c.published_at.isnot(None)).order_by(table.c.number)
        with self._database.reading() as connection:
            return [Shared(*row) for row in connection.execute(query)]

    def current(self) -> Shared | None:
        """Returns the one to search; None before the first, and where the last row says that there
        is none."""
        found = [each for each in self.all() if each.is_published]
        return found[-1] if found and found[-1].digest is not None else None

    def check_followed(self, index_store: str) -> None:
        """Checks that this host follows what the others search: by an index of its own it would
        answer otherwise than they, and what it published they would never get.

        Args:
            index_store: the setting.
        Raises:
            SettingsError: it is empty, and there are generations in a store.
        """
        current = self.current()
        if current is not None and not index_store:
            raise SettingsError(
                f"INDEX_STORE is empty, and generation {current.number} of this catalogue's index "
                "is in an object store that several hosts share: set INDEX_STORE as on the others; "
                "or, to go back to one host, stop the others, and run `python -m sidecar unshare` "
                "with INDEX_STORE set"
            )

    def forget(self) -> None:
        """Strikes all off: one host goes on alone, by what it has."""
        with self._database.writing() as connection:
            connection.execute(delete(table))

    def announce(
        self, digest: str, sha256: str, mark: str | None, removals: int, after: int
    ) -> int:
        """Takes a number for a draft, in place of one of a dead attempt; arguments as in `Shared`.

        Args:
            after: a number that is taken, too.
        Returns:
            its number.
        """
        row = {"digest": digest, "sha256": sha256, "mark": mark, "removals": removals}
        number = self._next(after)
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.published_at.is_(None)))
            connection.execute(insert(table).values(number=number, **row))
        return number

    def withdraw(self, number: int, digest: str) -> None:
        """Gives a draft up."""
        with self._database.writing() as connection:
            connection.execute(delete(table).where(_draft(number, digest)))

    def publish(self, number: int, digest: str, keep: int) -> None:
        """Makes a draft the generation to search, and strikes off older ones.

        Args:
            keep: how many stay, this one among them. The newest of each other model stays besides,
                and what a process that gave a life sign of late has open: the marks and tombstones
                that it needs are those of the rows.
        Raises:
            TaskLost: another attempt has put its own draft in place of it.
        """
        now = {"published_at": time.time()}
        with self._database.writing() as connection:
            announced = update(table).where(_draft(number, digest)).values(now)
            if not connection.execute(announced).rowcount:
                raise TaskLost(f"generation {number} is no longer the draft")
            there = [each for each in self.all() if each.digest is not None]
            kept = {each.number for each in there[-keep:]}
            kept |= {*{each.sha256: each.number for each in there}.values()}
            kept |= opened_since(connection, SEEN_S)
            connection.execute(delete(table).where(table.c.number.notin_(kept)))
            forget_gone(connection)

    def discard(self, sha256: str) -> None:
        """Strikes off the generations of a model that is not searched with."""
        current = self.current()
        others = table.c.number != (current.number if current else 0)
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.sha256 == sha256, others))

    def drop(self, after: int) -> None:
        """Says that there is no index any more; `after` as in `announce`."""
        number = self._next(after)
        with self._database.writing() as connection:
            connection.execute(delete(table))
            row = {"number": number, "removals": 0, "published_at": time.time()}
            connection.execute(insert(table).values(row))

    def _next(self, after: int) -> int:
        return 1 + max([after, *(each.number for each in self.all())])


def _draft(number: int, digest: str) -> ColumnElement[bool]:
    """Holds of one draft."""
    is_it = (table.c.number == number) & (table.c.digest == digest)
    return is_it & table.c.published_at.is_(None)
