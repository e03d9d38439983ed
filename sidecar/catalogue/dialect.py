"""What the catalogue asks of a kind of database: SQLite and PostgreSQL each answer it."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Engine


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

    def connect(self) -> Engine:
        """Raises CatalogueUnavailable where the database can't be there."""

    def begin(self, connection: Connection, writes: bool) -> None:
        """Begin a transaction: a consistent view, or the only one that writes."""

    def is_full(self, error: BaseException | None) -> bool:
        """Whether an error means that there is no room."""

    def find(self, driver: Any, image_id: str) -> tuple[int, str] | None:
        """Sequence number and SHA-256 of the image with an id, by the driver's own connection."""

    def ids_of(self, driver: Any, seqs: Sequence[int]) -> list[tuple[int, str]]:
        """Sequence numbers with their ids, by the driver's own connection."""

    def read_features(
        self, connection: Connection, model: int, after: int, up_to: int, limit: int
    ) -> Iterable[tuple[int, int, bytes]]:
        """Rows of seq, crc, vector of a model, with `after` < seq <= `up_to`, in order of seq."""

    def bytes_used(self, connection: Connection) -> int:
        """Bytes on the disk."""

    def damage(self, connection: Connection) -> list[str]:
        """What is wrong with the structure of the database: a sentence each."""

    def release_space(self, engine: Engine) -> None:
        """Give the room of what was removed back."""

    def last_number(self, connection: Connection, column: Column[Any]) -> int:
        """The largest number that a counting column has ever given out, 0 before the first."""

    def set_last_number(self, connection: Connection, column: Column[Any], number: int) -> None:
        """Have a counting column go on after this number."""
