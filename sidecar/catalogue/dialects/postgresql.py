"""What PostgreSQL does in its own way: session settings, one lock for writers, binary COPY.

Sources: https://www.postgresql.org/docs/current/sql-copy.html (binary format) and
https://www.postgresql.org/docs/current/explicit-locking.html (advisory locks).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import Column, Connection, Engine, create_engine, func, select
from sqlalchemy.engine import make_url

from sidecar.catalogue.dialects.dialect import Seen, waiting, where_seen
from sidecar.catalogue.schema import features_unlabelled, unlabelled

# Here and not where the index is: SQLAlchemy loads a dialect whole, with the types of three
# drivers, as soon as an option of it is named, and with SQLite nobody needs it.
features_unlabelled.dialect_options["postgresql"]["where"] = unlabelled

# The number is the lock's name, in this database. A writer that hangs frees the others.
LOCK = (
    "SET LOCAL idle_in_transaction_session_timeout = '60s'; SELECT pg_advisory_xact_lock(5458253)"
)
FIND = "SELECT seq, sha256 FROM images WHERE id = %s"
IDS_OF = "SELECT seq, id FROM images WHERE seq = ANY(%s)"
CONNECT_TIMEOUT_S = 5
# Both ends give a connection up whose other end is silent: a host that is cut off, or lost its
# power, says no goodbye. Else its lock would stay for a minute, and a request wait for hours.
SILENT_S, PROBE_S, PROBES = 5, 2, 3  # then some 11 s have passed
UNCONFIRMED_MS = 10_000  # for which what was sent may go without the other end's receipt
SESSION = {
    "synchronous_commit": "on",  # an add is acknowledged when it is on the disk, not before
    "lock_timeout": "30s",
    "tcp_keepalives_idle": f"{SILENT_S}",
    "tcp_keepalives_interval": f"{PROBE_S}",
    "tcp_keepalives_count": f"{PROBES}",
    "tcp_user_timeout": f"{UNCONFIRMED_MS}",
}
CONNECTION = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": SILENT_S,
    "keepalives_interval": PROBE_S,
    "keepalives_count": PROBES,
    "tcp_user_timeout": UNCONFIRMED_MS,
}
READ = (
    "COPY (SELECT seq, crc, vector FROM features WHERE model = {} AND seq > {} AND seq <= {} "
    "ORDER BY seq LIMIT {}) TO STDOUT (FORMAT BINARY)"
)
# A table that is new to the planner's statistics would be sorted whole for each page.
BY_INDEX = "SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off"
# What a write needs, and takes at once where no foreign lock is in its way.
CHECK_WRITES = (
    LOCK + "; LOCK TABLE images, pictures, features, removals, tasks IN ROW EXCLUSIVE MODE"
)
COPY_HEADER_BYTES = 19
# The number of fields, and before each its length in bytes.
COPY_ROW = [
    ("fields", ">i2"),
    ("seq_bytes", ">i4"),
    ("seq", ">i8"),
    ("crc_bytes", ">i4"),
    ("crc", ">i8"),
    ("vector_bytes", ">i4"),
]
COPY_TRAILER_BYTES = 2


class PostgreSQL:
    """The catalogue in a database server, for sidecars and workers on several hosts."""

    errors = (psycopg.Error,)
    page_rows = 4096
    is_a_file = False

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def is_read_only(self) -> bool:
        """Returns False: the volume is the server's."""
        return False

    def connect(self, to_read: bool = False) -> Engine:
        """Makes the engine, whatever it is for; connects to nothing yet."""
        return create_engine(
            self._url,
            pool_size=8,
            max_overflow=8,
            pool_pre_ping=True,  # a server that was restarted costs no request
            connect_args=_session(),
        )

    def close(self, engine: Engine) -> None:
        """Closes the connections."""
        engine.dispose()

    def begin(self, connection: Connection, writes: bool) -> None:
        """Begins a transaction; admits one writer at a time, as in SQLite.

        Numbers are drawn before they are committed: with two writers a smaller one could appear
        after a larger one had been seen, and a reader that had read up to there would never see it.
        """
        if writes:
            connection.exec_driver_sql(LOCK)
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")

    def is_full(self, error: BaseException | None) -> bool:
        """Says whether an error means that the disk is full."""
        return isinstance(error, psycopg.errors.DiskFull)

    def check_writes(self, timeout_s: float) -> None:
        """Takes the locks of a write, on a connection that no request waits for.

        Raises:
            CatalogueUnavailable: it did not get them within `timeout_s`.
        """
        arguments = _session(lock_timeout=f"{round(timeout_s * 1000)}")
        url = make_url(self._url).set(drivername="postgresql")
        text = url.render_as_string(hide_password=False)
        with psycopg.connect(text, **arguments) as driver:
            try:
                driver.execute(CHECK_WRITES)
            except psycopg.errors.LockNotAvailable as error:
                raise waiting(timeout_s) from error
            driver.rollback()

    def keep_reserve(self) -> None:
        """Does nothing: the server's volume is not ours."""

    def is_short_of_room(self) -> bool:
        """Returns False: no room is kept."""
        return False

    def check_room(self) -> None:
        """Does nothing: the server refuses what it has no room for."""

    def make_room(self, engine: Engine) -> bool:
        """Does nothing, so that a second try is not worth it."""
        return False

    def find(self, driver: psycopg.Connection, image_id: str) -> tuple[int, str] | None:
        """Returns sequence number and SHA-256 of the image with an id, if there is one."""
        if "\0" in image_id:
            return None  # no text has one here, and the driver refuses it
        row: tuple[int, str] | None = driver.execute(FIND, (image_id,)).fetchone()
        return row

    def ids_of(
        self, driver: psycopg.Connection, seqs: Sequence[int], seen: Seen
    ) -> list[tuple[int, str]]:
        """Returns sequence numbers with their ids, without those that are gone; none at all where
        the catalogue lacks what was seen there."""
        seen_there, values = where_seen(seen)
        query = IDS_OF + seen_there.replace("?", "%s")
        return driver.execute(query, [list(seqs), *values]).fetchall()

    def rows(self, driver: psycopg.Connection, query: str, values: Sequence[Any]) -> list[Any]:
        """Returns the rows of a query with a ? for each value."""
        return driver.execute(query.replace("?", "%s"), values).fetchall()

    def read_features(
        self, connection: Connection, model: int, after: int, up_to: int, limit: int
    ) -> Iterable[tuple[int, int, bytes]]:
        """Returns rows of seq, crc, vector by binary COPY, which spares the server and us all
        parsing."""
        cursor: Any = connection.connection.cursor()
        cursor.execute(BY_INDEX)
        with cursor.copy(READ.format(model, after, up_to, limit)) as copy:
            data = b"".join(bytes(piece) for piece in copy)
        body = memoryview(data)[COPY_HEADER_BYTES:-COPY_TRAILER_BYTES]
        if not body:
            return []
        width = int.from_bytes(body[26:30], "big")  # of the first row; all are of one model
        rows = np.frombuffer(body, np.dtype([*COPY_ROW, ("vector", f"V{width}")]))
        return zip(rows["seq"].tolist(), rows["crc"].tolist(), rows["vector"].tolist(), strict=True)

    def bytes_used(self, connection: Connection) -> int:
        """Returns the bytes of all tables of this database."""
        size = "SELECT pg_database_size(current_database())"
        return int(connection.exec_driver_sql(size).scalar_one())

    def damage(self, connection: Connection) -> list[str]:
        """Returns nothing: the server checks its own structure (pg_amcheck, data checksums)."""
        return []

    def release_space(self, engine: Engine) -> None:
        """Does nothing: autovacuum does it."""

    def draw_numbers(self, connection: Connection, column: Column[Any], count: int) -> list[int]:
        """Returns the next numbers of a counting column, ascending."""
        each = func.generate_series(1, count).table_valued("n")
        query = select(func.nextval(_sequence(column))).select_from(each)
        return sorted(connection.execute(query).scalars())

    def last_number(self, connection: Connection, column: Column[Any]) -> int:
        """Returns the largest number that a counting column has ever given out, 0 before the
        first."""
        query = f"SELECT coalesce(pg_sequence_last_value('{_sequence(column)}'), 0)"
        return int(connection.exec_driver_sql(query).scalar_one())

    def set_last_number(self, connection: Connection, column: Column[Any], number: int) -> None:
        """Makes a counting column go on after this number."""
        if number:
            connection.exec_driver_sql(f"SELECT setval('{_sequence(column)}', {number})")


def _session(**changed: str) -> dict[str, Any]:
    """Returns the arguments of a connection, with the settings of its session."""
    values = SESSION | changed
    return {**CONNECTION, "options": " ".join(f"-c {name}={values[name]}" for name in values)}


def _sequence(column: Column[Any]) -> str:
    """Returns the name that PostgreSQL gives the sequence of a BIGSERIAL."""
    return f"{column.table.name}_{column.name}_seq"
