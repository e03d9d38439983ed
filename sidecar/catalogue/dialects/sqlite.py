"""What SQLite does in its own way: its file and pragmas, its lock, fast reads, its checks.

Sources: https://sqlite.org/pragma.html, https://sqlite.org/wal.html.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from sidecar.catalogue.dialects.dialect import Seen, waiting, where_seen
from sidecar.catalogue.dialects.reserve import Reserve
from sidecar.errors import CatalogueUnavailable
from sidecar.files import in_turn, network_file_system

BUSY_TIMEOUT_MS = 30_000
# Of a process; a thread that needs one more waits. Opening one costs as much as ten look-ups.
CONNECTIONS = 16
CHECKPOINT_TIMEOUT_MS = 200
FREED_AT_ONCE = 256  # pages, so that giving space back holds up no add for long
AUTO_VACUUM = "PRAGMA auto_vacuum=INCREMENTAL"
PRAGMAS = (
    # Large pages hold a row of 1,280 float16 values with a third less waste; at creation only, as
    # is auto_vacuum, without which the file never gets smaller.
    "PRAGMA page_size=16384",
    AUTO_VACUUM,
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an add is acknowledged when it is on the disk, not before
    "PRAGMA journal_size_limit=67108864",
    # 64 MB: with random ids each add dirties a leaf of the index over them; the fewer checkpoints,
    # the more adds share the writing of a leaf. With 1,000 pages an add cost 1.35 times more at a
    # million images than at ten thousand, with 4,000 1.09 times.
    "PRAGMA wal_autocheckpoint=4000",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what was removed is overwritten, not only unlinked
)
FIND = "SELECT seq, sha256 FROM images WHERE id = ?"
IDS_OF = "SELECT seq, id FROM images WHERE seq IN (SELECT value FROM json_each(?))"
READ = (
    "SELECT seq, crc, vector FROM features "
    "WHERE model = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
)


class SQLite:
    """The catalogue in a file of its own, for one host."""

    errors = (sqlite3.Error,)
    page_rows = 256
    is_a_file = True  # on the volume that the index is on

    def __init__(self, url: str) -> None:
        self._url = url
        self.path = Path(str(make_url(url).database))
        self._reserve = Reserve(self.path.with_name(self.path.name + "-reserve"))

    @property
    def is_read_only(self) -> bool:
        """Says whether the file is there, and it or its folder can't be written."""
        both = (self.path, self.path.parent)
        return self.path.exists() and not all(os.access(each, os.W_OK) for each in both)

    def connect(self, to_read: bool = False) -> Engine:
        """Makes the engine; on a read-only volume one that takes no lock that it can't have.

        Raises:
            CatalogueUnavailable: the file can't be on this file system, or it is on a read-only
                volume and is to be written.
        """
        if self.is_read_only:
            if not to_read:
                raise CatalogueUnavailable(
                    f"{self.path} is on a read-only volume (DATA_DIR): there, only verify works"
                )
            return create_engine("sqlite://", creator=self._connect_to_read, poolclass=QueuePool)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogueUnavailable(f"can't make the folder of {self.path}: {error}") from error
        # A write-ahead log needs shared memory and locks that it has not: sqlite.org/wal.html.
        if mounted := network_file_system(self.path.parent):
            raise CatalogueUnavailable(
                f"{self.path.parent} is on a network file system ({mounted}), where SQLite loses "
                "data: set DATA_DIR to a local disk, or CATALOGUE_URL to a PostgreSQL"
            )
        engine = create_engine(self._url, pool_size=CONNECTIONS, max_overflow=0, pool_use_lifo=True)
        event.listen(engine, "connect", _prepare)
        return engine

    def _connect_to_read(self) -> sqlite3.Connection:
        """Opens the file where nothing can be written beside it.

        Without a log there is nothing to wait for. With a log, readers need its index `-shm`; where
        that is missing, as in a copy, SQLite keeps one in memory, if it takes the file for its own
        (sqlite.org/wal.html, "Use of WAL without shared memory").
        """
        log, shared = (self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))
        alone = not shared.exists() and log.exists() and log.stat().st_size > 0
        how = "&vfs=unix-none" if alone else "" if shared.exists() else "&immutable=1"
        uri = f"{self.path.absolute().as_uri()}?mode=ro{how}"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if alone:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        return connection

    def close(self, engine: Engine) -> None:
        """Closes the connections. The last process to do so takes the log away; where two close at
        the same moment neither is the last, so they take turns."""
        with in_turn(self.path.parent):
            engine.dispose()

    def begin(self, connection: Connection, writes: bool) -> None:
        """Begins a transaction; one that writes takes the write lock at once, since a lock taken
        half-way can't wait, it fails."""
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    def is_full(self, error: BaseException | None) -> bool:
        """Says whether an error means that the disk is full."""
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL

    def check_writes(self, timeout_s: float) -> None:
        """Takes the write lock, on a connection that no request waits for, and gives it back.

        Raises:
            CatalogueUnavailable: it did not get the lock within `timeout_s`, and nobody else
                committed meanwhile.
        """
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, timeout_s, uri=True, isolation_level=None)) as driver:
            commits = _number(driver, "PRAGMA data_version")
            try:
                driver.execute("BEGIN IMMEDIATE")
                driver.execute("ROLLBACK")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                if _number(driver, "PRAGMA data_version") == commits:
                    raise waiting(timeout_s) from error

    def keep_reserve(self) -> None:
        """Keeps room for `make_room` from now on."""
        self._reserve.keep()

    def is_short_of_room(self) -> bool:
        """Says whether the room that was kept has been given up, and is still needed."""
        return self._reserve.is_given_up()

    def check_room(self) -> None:
        """Raises StorageFull where what room is left is kept for removals and tasks."""
        self._reserve.check()

    def make_room(self, engine: Engine) -> bool:
        """Gives up the reserve, and has the log begin anew, which then needs no more room; returns
        whether it is worth trying again."""
        given_up = self._reserve.give_up()
        with engine.connect() as connection, suppress(sqlite3.Error):
            driver = _driver(connection)
            if not self._may_checkpoint(driver):
                return given_up
            driver.execute(f"PRAGMA busy_timeout={CHECKPOINT_TIMEOUT_MS}")
            try:
                busy, *_ = driver.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
            finally:
                driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            return given_up or not busy
        return given_up

    def find(self, driver: sqlite3.Connection, image_id: str) -> tuple[int, str] | None:
        """Returns sequence number and SHA-256 of the image with an id, if there is one."""
        row: tuple[int, str] | None = driver.execute(FIND, (image_id,)).fetchone()
        return row

    def ids_of(
        self, driver: sqlite3.Connection, seqs: Sequence[int], seen: Seen
    ) -> list[tuple[int, str]]:
        """Returns sequence numbers with their ids, without those that are gone; none at all where
        the catalogue lacks what was seen there."""
        seen_there, values = where_seen(seen)
        query = IDS_OF + seen_there
        return driver.execute(query, [json.dumps(seqs), *values]).fetchall()

    def rows(self, driver: sqlite3.Connection, query: str, values: Sequence[Any]) -> list[Any]:
        """Returns the rows of a query with a ? for each value."""
        return driver.execute(query, values).fetchall()

    def read_features(
        self, connection: Connection, model: int, after: int, up_to: int, limit: int
    ) -> Iterable[tuple[int, int, bytes]]:
        """Returns rows of seq, crc, vector, past SQLAlchemy's row objects: they cost more than the
        read."""
        return _driver(connection).execute(READ, (model, after, up_to, limit)).fetchall()

    def bytes_used(self, connection: Connection) -> int:
        """Returns the bytes of the file and its log."""
        log = self.path.with_name(self.path.name + "-wal")
        return sum(path.stat().st_size for path in (self.path, log) if path.exists())

    def damage(self, connection: Connection) -> list[str]:
        """Returns a sentence for each thing that is wrong with the structure of the file."""
        rows = _driver(connection).execute("PRAGMA integrity_check(20)").fetchall()
        return [str(text) for (text,) in rows if text != "ok"]

    def release_space(self, engine: Engine) -> None:
        """Gives free pages back to the file system, and empties the log, which still holds what was
        removed."""
        with engine.connect() as connection:
            driver = _driver(connection)
            driver.isolation_level = None
            while _number(driver, "PRAGMA freelist_count"):
                before = _number(driver, "PRAGMA freelist_count")
                driver.execute(f"PRAGMA incremental_vacuum({FREED_AT_ONCE})").fetchall()
                if _number(driver, "PRAGMA freelist_count") >= before:
                    break  # made before auto_vacuum was on: later adds use these pages
            # A checkpoint keeps writers out while it waits for readers, and a backup reads for
            # minutes.
            if self._may_checkpoint(driver):
                driver.execute(f"PRAGMA busy_timeout={CHECKPOINT_TIMEOUT_MS}")
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if self._reserve.is_given_up():
            self._reserve.keep()

    def _may_checkpoint(self, driver: sqlite3.Connection) -> bool:
        """Says whether a checkpoint has room: one that ends half-way has used up what there was."""
        pages = _number(driver, "PRAGMA page_count") * _number(driver, "PRAGMA page_size")
        return self._reserve.has_room(pages - self.path.stat().st_size)

    def draw_numbers(self, connection: Connection, column: Column[Any], count: int) -> list[int]:
        """Returns the next numbers of a counting column, for rows that this transaction inserts:
        SQLite counts a number as used when its row is there."""
        first = self.last_number(connection, column) + 1
        return list(range(first, first + count))

    def last_number(self, connection: Connection, column: Column[Any]) -> int:
        """Returns the largest number that a counting column has ever given out, 0 before the
        first."""
        query = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        row = _driver(connection).execute(query, (column.table.name,)).fetchone()
        return 0 if row is None else int(row[0])

    def set_last_number(self, connection: Connection, column: Column[Any], number: int) -> None:
        """Makes a counting column go on after this number."""
        if not column.table.dialect_kwargs.get("sqlite_autoincrement"):
            return
        driver = _driver(connection)
        driver.execute("DELETE FROM sqlite_sequence WHERE name = ?", (column.table.name,))
        values = (column.table.name, number)
        driver.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", values)


def _prepare(connection: Any, _record: Any) -> None:
    """Sets up a new connection."""
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    for pragma in PRAGMAS:
        # To set auto_vacuum takes the write lock, even where it is set: a connection that is opened
        # later must not wait for a writer.
        if pragma != AUTO_VACUUM or _number(connection, "PRAGMA auto_vacuum") == 0:
            connection.execute(pragma)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _number(driver: sqlite3.Connection, pragma: str) -> int:
    return int(driver.execute(pragma).fetchone()[0])
