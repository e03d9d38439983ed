"""Stored JPEGs and uploads moved from rows into PICTURES_STORE, and back.

A page at a time: read in one transaction, written where they go to, named in another one. So a move
that is cut off goes on where it was, and the first of them runs beside adds and removals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, bindparam, delete, select, update

from sidecar.catalogue import store_in_use
from sidecar.catalogue.contents.walk import KINDS, Kind, walk
from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import unnamed_objects

OnProgress = Callable[[str, int], None]


@dataclass
class Moved:
    """How many JPEGs and uploads were moved, and a sentence for each that stays because it is
    missing or not what was stored."""

    count: int = 0
    damaged: list[str] = field(default_factory=list)


class Moves:
    """Moves bytes; the calls report each table and how many of its rows are done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def into_store(self, report: OnProgress) -> Moved:
        """Moves what is in rows into the store; a service may run beside.

        Raises:
            PicturesStoreUnavailable, CatalogueUnavailable, StorageFull: what has been moved is; the
                next call goes on.
        """
        moved = Moved()
        for kind in KINDS:
            self._walk(kind, kind.table.c.object.is_(None), moved, self._put, report)
        self._database.release_space()
        return moved

    def into_rows(self, report: OnProgress) -> Moved:
        """Moves what is in the store into rows, and deletes it there. No service may run, which
        would go on storing objects. Errors as `into_store`."""
        moved = Moved()
        for kind in KINDS:
            self._walk(kind, kind.table.c.object.is_not(None), moved, self._fetch, report)
        if not moved.damaged:
            with self._database.writing() as connection:
                connection.execute(delete(unnamed_objects))
                store_in_use.note(connection, "", "")
        return moved

    def _walk(
        self,
        kind: Kind,
        which: ColumnElement[bool],
        moved: Moved,
        move: Callable[[Kind, Sequence[Any], Sequence[bytes]], int],
        report: OnProgress,
    ) -> None:
        """Moves those rows of a table whose bytes are what was stored, a page at a time."""
        done = 0
        for page in walk(self._database, kind, which):
            whole = [(each.row, each.content) for each in page if each.wrong is None]
            moved.damaged += [each.wrong for each in page if each.wrong is not None]
            if whole:
                moved.count += move(kind, *zip(*whole, strict=True))
            done += len(page)
            report(kind.table.name, done)

    def _put(self, kind: Kind, rows: Sequence[Any], contents: Sequence[bytes]) -> int:
        """Writes objects, and names them in those rows that are still there."""
        objects = self._database.objects
        names = objects.put_all([(kind.table.name, content) for content in contents])
        changes = [
            {"number": row.seq, "name": name, "size": len(content), "content": b""}
            for row, name, content in zip(rows, names, contents, strict=True)
        ]
        there = self._change(kind, kind.table.c.object.is_(None), changes)
        objects.try_delete([each["name"] for each in changes if each["number"] not in there])
        return len(there)

    def _fetch(self, kind: Kind, rows: Sequence[Any], contents: Sequence[bytes]) -> int:
        """Writes bytes into rows, and deletes the objects."""
        changes = [
            {"number": row.seq, "name": None, "size": None, "content": content}
            for row, content in zip(rows, contents, strict=True)
        ]
        there = self._change(kind, kind.table.c.object.is_not(None), changes)
        self._database.objects.try_delete([row.object for row in rows if row.seq in there])
        return len(there)

    def _change(
        self, kind: Kind, which: ColumnElement[bool], changes: list[dict[str, Any]]
    ) -> set[int]:
        """Changes those rows that are there and have not been moved; returns their numbers."""
        table, numbers = kind.table, [each["number"] for each in changes]
        query = select(table.c.seq).where(table.c.seq.in_(numbers), which)
        values: dict[Column[Any], Any] = {
            kind.blob: bindparam("content"),
            table.c.object: bindparam("name"),
            table.c.bytes: bindparam("size"),
        }
        with self._database.writing() as connection:
            there = set(connection.execute(query).scalars())
            some = [each for each in changes if each["number"] in there]
            if some:
                row = table.c.seq == bindparam("number")
                connection.execute(update(table).where(row).values(values), some)
        return there
