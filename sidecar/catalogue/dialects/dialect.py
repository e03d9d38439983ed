"""What SQLite and PostgreSQL do differently."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Engine

from sidecar.errors import CatalogueUnavailable


@dataclass(frozen=True)
class FeatureRow:
    """A row of features: which it is, and its CRC-32."""

    seq: int
    model: int
    crc: int


@dataclass(frozen=True)
class Seen:
    """What somebody saw in the catalogue who has sequence numbers from there. A catalogue that
    lacks it was replaced since, and the numbers may be other images'.

    Args:
        mark: of the moment at which a generation was made, if it has one.
        row: the newest that was read.
    """

    mark: str | None = None
    row: FeatureRow | None = None


# With a ? for each value; both are looked up once a statement.
HAS_MARK = " AND EXISTS (SELECT 1 FROM marks WHERE mark = ?)"
HAS_ROW = " AND EXISTS (SELECT 1 FROM features WHERE seq = ? AND model = ? AND crc = ?)"


def where_seen(seen: Seen) -> tuple[str, list[Any]]:
    """Returns what ends a condition that shall hold only where the catalogue has what was seen
    there, in SQL with a ? for each value, and the values."""
    query, values = "", []
    if seen.mark is not None:
        query, values = HAS_MARK, [seen.mark]
    if seen.row is not None:
        query, values = query + HAS_ROW, [*values, *astuple(seen.row)]
    return query, values


class Dialect(Protocol):
    """What only one kind of database does, or does in its own way."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The driver's own exceptions."""

    @property
    def page_rows(self) -> int:
        """Rows of features that are fastest to read at once."""

    @property
    def is_a_file(self) -> bool:
        """Whether the catalogue is a file on the volume that the index is on."""

    @property
    def is_read_only(self) -> bool:
        """Whether it is on a volume that can't be written."""

    def connect(self, to_read: bool = False) -> Engine:
        """Makes the engine.

        Args:
            to_read: whether nothing is going to be written: a read-only volume will do.
        Raises:
            CatalogueUnavailable: the database can't be there.
        """

    def close(self, engine: Engine) -> None:
        """Closes the connections."""

    def begin(self, connection: Connection, writes: bool) -> None:
        """Begins a transaction: a consistent view, or the only one that writes."""

    def is_full(self, error: BaseException | None) -> bool:
        """Says whether an error means that the disk is full."""

    def check_writes(self, timeout_s: float) -> None:
        """Raises CatalogueUnavailable where no write has got its turn for so many seconds; errors
        of the driver."""

    def keep_reserve(self) -> None:
        """Keeps room for `make_room` from now on."""

    def is_short_of_room(self) -> bool:
        """Says whether the room that was kept has been given up, and is still needed."""

    def check_room(self) -> None:
        """Raises StorageFull where what room is left is kept for removals and tasks."""

    def make_room(self, engine: Engine) -> bool:
        """Gives the room that was kept to the writes that have to work on a full volume; returns
        whether it is worth trying again."""

    def find(self, driver: Any, image_id: str) -> tuple[int, str] | None:
        """Returns sequence number and SHA-256 of the image with an id, if there is one.

        Args:
            driver: the driver's own connection.
        """

    def ids_of(self, driver: Any, seqs: Sequence[int], seen: Seen) -> list[tuple[int, str]]:
        """Returns sequence numbers with their ids, without those that are gone; none at all where
        the catalogue lacks what was seen there.

        Args:
            driver: the driver's own connection.
        """

    def rows(self, driver: Any, query: str, values: Sequence[Any]) -> list[Any]:
        """Returns the rows of a query in SQL that both kinds of database know.

        Args:
            driver: the driver's own connection.
            query: with a ? for each value.
        """

    def read_features(
        self, connection: Connection, model: int, after: int, up_to: int, limit: int
    ) -> Iterable[tuple[int, int, bytes]]:
        """Returns at most `limit` rows of seq, crc, vector of a model, with `after` < seq <=
        `up_to`, in order of seq."""

    def bytes_used(self, connection: Connection) -> int:
        """Returns the bytes on the disk."""

    def damage(self, connection: Connection) -> list[str]:
        """Returns a sentence for each thing that is wrong with the structure of the database."""

    def release_space(self, engine: Engine) -> None:
        """Gives back the space of removed rows."""

    def draw_numbers(self, connection: Connection, column: Column[Any], count: int) -> list[int]:
        """Returns the next numbers of a counting column, ascending, for rows that are inserted in
        this transaction."""

    def last_number(self, connection: Connection, column: Column[Any]) -> int:
        """Returns the largest number that a counting column has ever given out, 0 before the
        first."""

    def set_last_number(self, connection: Connection, column: Column[Any], number: int) -> None:
        """Makes a counting column go on after this number."""


def waiting(timeout_s: float) -> CatalogueUnavailable:
    """Returns the error of a write that waited in vain."""
    return CatalogueUnavailable(
        f"the catalogue: no write got its turn within {timeout_s:g} s, another holds the lock"
    )
