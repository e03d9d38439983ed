"""The connection to the catalogue's database: its pragmas, its transactions, its errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from sidecar.catalogue.schema import metadata
from sidecar.errors import CatalogueUnavailable, StorageFull

BUSY_TIMEOUT_S = 30
# Large pages hold a row of 1,280 float16 values with a third less waste; chosen at creation only.
PRAGMAS = (
    "PRAGMA page_size=16384",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an add is acknowledged when it is on the disk, not before
    "PRAGMA journal_size_limit=67108864",
)


class Database:
    """One engine, with a transaction for reading and one for writing."""

    def __init__(self, url: str) -> None:
        path = make_url(url).database
        try:
            Path(str(path)).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogueUnavailable(f"can't make the folder of {path}: {error}") from error
        self._engine = create_engine(url, pool_size=16, max_overflow=64)
        event.listen(self._engine, "connect", _set_pragmas)
        event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(writes=True)
        with self.writing() as connection:
            metadata.create_all(connection)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view. Keep it short: a long one holds back the WAL's checkpoints."""
        with _translated(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on the disk when the block ends without an error.

        Raises:
            StorageFull: no room; nothing was written.
            CatalogueUnavailable: any other trouble of the database; nothing was written.
        """
        with _translated(), self._writer.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_S * 1000}")
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    """Writers take the write lock at once: a lock taken half-way can't wait, it fails."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if "full" in str(error.orig):
            raise StorageFull("the volume of the catalogue is full") from error
        raise CatalogueUnavailable(f"the catalogue: {error.orig}") from error
    except SQLAlchemyError as error:
        raise CatalogueUnavailable(f"the catalogue: {error}") from error
