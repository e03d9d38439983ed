"""Objects of PICTURES_STORE that no row names: those of removed images wait here to be deleted.

A removal notes their names in its own transaction, and asks no store. A sweep deletes them some
minutes later: an answer may have read the row just before it went, and reads the object after that.
What was written and never named, by a process that was killed in between, stands in no table;
`verify` and `repair` find it by a listing.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, Connection, delete, func, insert, select, update

from sidecar.catalogue.clock import DatabaseTime
from sidecar.catalogue.database import Database
from sidecar.catalogue.facts import find, put
from sidecar.catalogue.schema import facts, originals, pictures, unnamed_objects
from sidecar.objects import Listed

ROUND_S = 60.0  # between two sweeps of a process
GRACE_S = 600.0  # between a removal and the end of its objects
YOUNG_S = 86_400.0  # for which an object may belong to what is still under way
HELD_S = 600.0  # for which a backup keeps sweeps back, unless it goes on
RENEWED_S = 60.0
HELD = "pictures_held_until"  # a fact: seconds since 1970 by the database's clock
AT_ONCE = 500  # names of a round
ROWS = 10_000  # in a transaction that only reads names

NAMING = (pictures.c.object, originals.c.object)

_since = unnamed_objects.c.since


def note(connection: Connection, names: Collection[str]) -> None:
    """Notes names that no row has, within a transaction."""
    if names:
        rows = [{"object": name, "since": DatabaseTime()} for name in names]
        connection.execute(insert(unnamed_objects).values(rows))


def note_of(connection: Connection, seqs: Collection[int]) -> None:
    """Notes the objects of images whose rows are about to be deleted, within that transaction."""
    for column in NAMING:
        named = (column.table.c.seq.in_(seqs)) & column.is_not(None)
        query = select(column, DatabaseTime()).where(named)
        connection.execute(insert(unnamed_objects).from_select(["object", "since"], query))


class Unnamed:
    """Deletes what no row names any more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sweep(self) -> int:
        """Deletes the objects of what was removed a while ago, and returns how many.

        No transaction is open while the store is asked. Whoever takes names puts their time
        forward, so that nobody else does; where it is killed they come up again.

        Raises:
            PicturesStoreUnavailable, CatalogueUnavailable, StorageFull: another round does it.
        """
        deleted = 0
        while self._database.objects.is_used and (names := self._take()):
            self._database.objects.delete(names)
            with self._database.writing() as connection:
                swept = unnamed_objects.c.object.in_(names)
                connection.execute(delete(unnamed_objects).where(swept))
            deleted += len(names)
        return deleted

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """Keeps sweeps back for the block, in which a backup reads what is being removed. Gives
        what has to be called now and then, so that they are kept back for longer."""
        if not self._database.objects.is_used:
            yield lambda: None
            return
        renewed = time.monotonic()
        self._hold(HELD_S)

        def renew() -> None:
            nonlocal renewed
            if time.monotonic() - renewed > RENEWED_S:
                renewed = time.monotonic()
                self._hold(HELD_S)

        yield renew

    def orphans(self, young_s: float = YOUNG_S) -> Iterator[list[str]]:
        """Yields the names of objects that neither a row nor the list of those to be swept has, a
        folder of the store at a time; not of those that were written in the last `young_s` seconds.
        """
        if not self._database.objects.folder:
            return
        known = self._known()

        def unknown(listed: dict[str, Listed]) -> list[str]:
            old = time.time() - young_s
            names = [name for name, each in listed.items() if each.modified_at < old]
            marks = _marks(names)
            places = np.minimum(np.searchsorted(known, marks), max(0, len(known) - 1))
            is_known = known[places] == marks if len(known) else np.zeros(len(names), bool)
            return [name for name, found in zip(names, is_known, strict=True) if not found]

        yield from filter(None, self._database.objects.search(unknown))

    def delete_orphans(self, young_s: float = YOUNG_S) -> int:
        """Deletes those objects; returns how many."""
        deleted = 0
        for names in self.orphans(young_s):
            self._database.objects.delete(names)
            deleted += len(names)
        return deleted

    def _take(self) -> list[str]:
        is_due = _since < DatabaseTime() - GRACE_S
        query = select(unnamed_objects.c.object).where(is_due).order_by(_since).limit(AT_ONCE)
        with self._database.reading() as connection:
            if not connection.execute(query).first() or _is_held(connection):
                return []
        with self._database.writing() as connection:
            names = list(connection.execute(query).scalars())
            taken = unnamed_objects.c.object.in_(names)
            connection.execute(update(unnamed_objects).where(taken).values(since=DatabaseTime()))
        return names

    def _hold(self, seconds: float) -> None:
        with self._database.writing() as connection:
            until = connection.execute(select(DatabaseTime())).scalar_one() + seconds
            put(connection, HELD, str(until))

    def _known(self) -> NDArray[np.uint64]:
        """Returns marks of all names, ascending: 8 bytes each, where a name has eighty."""
        found = [np.zeros(0, np.uint64)]
        for column in NAMING:
            after: int | None = 0
            while after is not None:
                names, after = self._page(column, after)
                found.append(_marks(names))
        with self._database.reading() as connection:  # last: what goes meanwhile is noted here
            names = list(connection.execute(select(unnamed_objects.c.object)).scalars())
        return np.unique(np.concatenate([*found, _marks(names)]))

    def _page(self, column: Column[str], after: int) -> tuple[list[str], int | None]:
        """Returns the names that some rows have, and the last number of these, None of no row."""
        seq = column.table.c.seq
        query = select(seq, column).where(seq > after).order_by(seq).limit(ROWS)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [row[1] for row in rows if row[1]], rows[-1][0] if rows else None


def bytes_named(database: Database) -> int:
    """Returns the bytes of all objects that rows name."""
    sums = [select(func.coalesce(func.sum(column.table.c.bytes), 0)) for column in NAMING]
    with database.reading() as connection:
        return sum(int(connection.execute(each).scalar_one()) for each in sums)


def forget_hold(connection: Connection) -> None:
    """Forgets that sweeps are kept back: those of a copy are not."""
    connection.execute(delete(facts).where(facts.c.name == HELD))


def _is_held(connection: Connection) -> bool:
    until = find(connection, HELD)
    now = connection.execute(select(DatabaseTime())).scalar_one()
    return until is not None and float(until) > now


def _marks(names: Collection[str]) -> NDArray[np.uint64]:
    """Returns a hash of 64 bits of each name, uint64 [n]."""
    hashes = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(hashes), np.uint64)
