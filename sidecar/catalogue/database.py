"""The connection to the catalogue's database: its transactions and its errors."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from sidecar.catalogue import store_in_use
from sidecar.catalogue.dialects.dialect import Dialect
from sidecar.catalogue.dialects.sqlite import SQLite
from sidecar.catalogue.facts import identify
from sidecar.catalogue.migration import check_newest, migrate
from sidecar.catalogue.picture_objects import PictureObjects
from sidecar.errors import CatalogueUnavailable, StorageFull

T = TypeVar("T")


class Connections(Protocol):
    """Gives a part of the catalogue its connection: each time in a transaction of its own, or in
    one that is open already."""

    @property
    def dialect(self) -> Dialect:
        """What only this kind of database does."""

    @property
    def objects(self) -> PictureObjects:
        """The bytes of images that are not in rows; to be asked for outside of transactions."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Gives a connection for reading."""

    def writing(self) -> AbstractContextManager[Connection]:
        """Gives a connection for reading and writing."""

    def even_when_full(self, act: Callable[[], T]) -> T:
        """Returns what `act` returns, which stores nothing new, on a full volume too."""


class OpenTransaction:
    """Gives the connection of one open transaction, which ends where it began."""

    def __init__(self, of: Connections, connection: Connection, writes: bool) -> None:
        self.dialect, self.objects = of.dialect, of.objects
        self._connection = connection
        self._writes = writes

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        assert self._writes, "this transaction only reads"
        yield self._connection

    def even_when_full(self, act: Callable[[], T]) -> T:
        return act()  # who began the transaction has to begin again


class Database:
    """One engine, with a transaction for reading and one for writing, from `open` to `close`."""

    def __init__(self, url: str, pictures_store: str = "") -> None:
        """Touches nothing before `open`.

        Args:
            pictures_store: where new JPEGs and uploads go; empty is into rows.
        Raises:
            CatalogueUnavailable: `url` names no supported kind of database.
        """
        self.url = url
        self.dialect = _dialect(url)
        self.objects = PictureObjects(pictures_store)
        self._opened: Engine | None = None

    def open(self, to_read: bool = False) -> None:
        """Connects, and brings an older database up to date.

        Args:
            to_read: whether nothing is going to be written: a read-only volume will do.
        Raises:
            CatalogueUnavailable: it can't be reached or opened, or a newer release made it; or an
                older one did, and it is on a read-only volume.
        """
        with self._translated():
            self._opened = self.dialect.connect(to_read)
        event.listen(self._opened, "begin", self._begin)
        try:
            if self.dialect.is_read_only:
                with self.reading() as connection:
                    check_newest(connection)
                return
            with self.writing() as connection:
                migrate(connection)
                identify(connection)
        except BaseException:
            self.close()
            raise

    def take_store(self, changes: bool = False) -> None:
        """Notes PICTURES_STORE as that of the catalogue.

        Args:
            changes: whether it may be another one than before, to which all objects were copied.
        Raises:
            SettingsError: rows name objects, and it is empty, or lacks them.
            PicturesStoreUnavailable: whether it has them could not be seen.
        """
        url = self.objects.url
        with self.reading() as connection:
            wanted = store_in_use.check(connection, url, changes)
            folder = store_in_use.folder(connection, url)
        store_in_use.check_has(self.objects, wanted)
        if url and folder is None and not self.dialect.is_read_only:
            with self.writing() as connection:
                folder = store_in_use.take(connection, url)
        self.objects.folder = folder or ""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Gives a consistent view. Keep it short: it holds back checkpoints and vacuuming."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Gives a transaction that is on the disk when the block ends without an error.

        There is one at a time, in all processes together: a reader that sees a sequence number sees
        every smaller one, too.

        Raises:
            StorageFull: the disk is full; nothing was written.
            CatalogueUnavailable: any other error of the database; nothing was written.
        """
        with self._translated(), self._engine.connect() as connection:
            connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def even_when_full(self, act: Callable[[], T]) -> T:
        """Returns what `act` returns, a transaction that stores nothing new. Where the volume is
        full, it is tried once more with the room that is kept for that.

        Raises:
            StorageFull: that room is used up as well.
        """
        try:
            return act()
        except StorageFull:
            with self._translated():
                if not self.dialect.make_room(self._engine):
                    raise
            return act()

    def check_writes(self, timeout_s: float) -> None:
        """Raises CatalogueUnavailable where no write has got its turn for so many seconds."""
        with self._translated():
            self.dialect.check_writes(timeout_s)

    @contextmanager
    def driver(self) -> Iterator[Any]:
        """Gives the driver's own connection, for the one statement that every request makes.

        With 32 threads such a look-up costs 0.2 ms of processor time, and 0.9 by a `select`.
        """
        with self._translated():
            connection = self._engine.raw_connection()
            try:
                yield connection.driver_connection
            finally:
                connection.close()

    def bytes_used(self) -> int:
        """Returns the bytes on the disk."""
        with self.reading() as connection:
            return self.dialect.bytes_used(connection)

    def release_space(self) -> None:
        """Gives back the space of removed rows, and overwrites their last traces."""
        with self._translated():
            self.dialect.release_space(self._engine)

    def close(self) -> None:
        """Closes the connections."""
        self.objects.close()
        if self._opened is not None:
            self.dialect.close(self._opened)

    @property
    def _engine(self) -> Engine:
        if self._opened is None:
            raise CatalogueUnavailable("the catalogue has not been opened")
        return self._opened

    def _begin(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        self.dialect.begin(connection, writes)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the exceptions of SQLAlchemy and of the driver into ours."""
        caught: tuple[type[Exception], ...] = (SQLAlchemyError, *self.dialect.errors)
        try:
            yield
        except caught as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if self.dialect.is_full(cause):
                raise StorageFull("the volume of the catalogue is full") from error
            line = " ".join(str(cause).split())  # a log and a client's `detail` take one line
            raise CatalogueUnavailable(f"the catalogue: {line}") from error


def _dialect(url: str) -> Dialect:
    try:
        name = make_url(url).get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        name = ""
    if name == "sqlite":
        return SQLite(url)
    if name == "postgresql":
        from sidecar.catalogue.dialects.postgresql import PostgreSQL

        return PostgreSQL(url)
    raise CatalogueUnavailable(
        "CATALOGUE_URL must be sqlite:////path or postgresql+psycopg://user:password@host/name"
    )
