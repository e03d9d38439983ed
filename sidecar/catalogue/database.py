"""The connection to the catalogue's database: its transactions and its errors."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from sidecar.catalogue.dialect import Dialect
from sidecar.catalogue.migration import migrate
from sidecar.catalogue.sqlite import SQLite
from sidecar.errors import CatalogueUnavailable, StorageFull


class Connections(Protocol):
    """Where a part of the catalogue gets its connection: each time a transaction of its own, or
    one that is open already."""

    @property
    def kind(self) -> Dialect:
        """The kind of database."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for looking."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection for changing."""


class Within:
    """The connection of one open transaction, which ends where it began."""

    def __init__(self, kind: Dialect, connection: Connection, writes: bool) -> None:
        self.kind = kind
        self._connection = connection
        self._writes = writes

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        assert self._writes, "this transaction is for looking only"
        yield self._connection


class Database:
    """One engine, with a transaction for reading and one for writing, from `open` to `close`."""

    def __init__(self, url: str) -> None:
        """Nothing is touched before `open`.

        Raises:
            CatalogueUnavailable: `url` names no kind of database that is known here.
        """
        self.url = url
        self.kind = _kind(url)
        self._opened: Engine | None = None

    def open(self) -> None:
        """Connect, and bring an older database up to date.

        Raises:
            CatalogueUnavailable: it can't be reached or opened, or a newer release made it.
        """
        with self._translated():
            self._opened = self.kind.connect()
        event.listen(self._opened, "begin", self._begin)
        try:
            with self.writing() as connection:
                migrate(connection)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view. Keep it short: a long one holds back checkpoints and vacuuming."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk when the block ends without an error.

        There is one at a time, in all processes together: whoever sees a sequence number sees every
        smaller one, too.

        Raises:
            StorageFull: no room; nothing was written.
            CatalogueUnavailable: any other trouble of the database; nothing was written.
        """
        with self._translated(), self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def glancing(self) -> Iterator[Any]:
        """The driver's own connection, for the one statement that every request makes.

        With 32 threads such a look-up costs 0.2 ms of processor time, and 0.9 by a `select`.
        """
        with self._translated():
            connection = self._engine.raw_connection()
            try:
                yield connection.driver_connection
            finally:
                connection.close()

    def bytes_used(self) -> int:
        """On the disk."""
        with self.reading() as connection:
            return self.kind.bytes_used(connection)

    def release_space(self) -> None:
        """Have the room of what was removed given back, and its last traces overwritten."""
        with self._translated():
            self.kind.release_space(self._engine)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.dispose()

    @property
    def _engine(self) -> Engine:
        if self._opened is None:
            raise CatalogueUnavailable("the catalogue has not been opened")
        return self._opened

    def _begin(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        self.kind.begin(connection, writes)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        caught: tuple[type[Exception], ...] = (SQLAlchemyError, *self.kind.errors)
        try:
            yield
        except caught as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if self.kind.is_full(cause):
                raise StorageFull("the volume of the catalogue is full") from error
            line = " ".join(str(cause).split())  # a log and a client's `detail` take one line
            raise CatalogueUnavailable(f"the catalogue: {line}") from error


def _kind(url: str) -> Dialect:
    try:
        name = make_url(url).get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        name = ""
    if name == "sqlite":
        return SQLite(url)
    if name == "postgresql":
        from sidecar.catalogue.postgresql import PostgreSQL

        return PostgreSQL(url)
    raise CatalogueUnavailable(
        "CATALOGUE_URL is sqlite:////path or postgresql+psycopg://user:password@host/name"
    )
