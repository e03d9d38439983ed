"""What users say of their images: a document each, numbered by its changes.

A change of a document is a new row in place of the old one, with the next number: who has read up
to a number reads on from there. Commits are in one order, so no smaller number comes later.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select

from sidecar.catalogue import row_checksums
from sidecar.catalogue.database import Database
from sidecar.catalogue.dialects.dialect import Dialect
from sidecar.catalogue.images import row_of
from sidecar.catalogue.schema import image_metadata, images
from sidecar.errors import CatalogueDamaged

EMPTY = "{}"
PAGE = 4096  # documents in memory at once
# The newest change that is known already comes without its document, as in `features.since`.
NEW_CHANGES = (
    "SELECT change, seq, crc, CASE WHEN change > ? THEN document END FROM metadata "
    "WHERE change >= ? ORDER BY change LIMIT ?"
)


@dataclass(frozen=True)
class Change:
    """A document as it was set: the number of the change, the image, the row's checksum, JSON."""

    change: int
    seq: int
    crc: int
    document: str

    def check(self) -> None:
        """Raises CatalogueDamaged where the document is not what was stored."""
        if row_checksums.checksum(self.change, self.seq, self.document) != self.crc:
            raise CatalogueDamaged(
                f"the metadata of the image number {self.seq} are not what was stored: "
                "python -m sidecar verify names it"
            )


@dataclass(frozen=True)
class NewChanges:
    """Changes that came after others.

    Args:
        follows: whether the newest of those others is still there; else that image was removed or
            changed again, or the catalogue was replaced by another copy.
        changes: in order.
        more: whether there are more.
    """

    follows: bool
    changes: list[Change]
    more: bool


class Metadata:
    """Reads and changes the documents of images."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, image_id: str) -> str:
        """Returns the document of an image in JSON; {} where it has none.

        Raises:
            UnknownImage: no image has this id.
            CatalogueDamaged: it is not what was stored.
        """
        with self._database.reading() as connection:
            return _document(connection, _seq(connection, image_id), image_id)

    def of_all(self, seqs: Sequence[int]) -> dict[int, str]:
        """Returns the documents of those images, by sequence number, that have one."""
        query = select(image_metadata.c.seq, image_metadata.c.document)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(image_metadata.c.seq.in_(seqs)))
            return {row.seq: row.document for row in rows}

    def change(self, image_id: str, make: Callable[[str], str]) -> str:
        """Gives an image another document; when this returns it is on the disk.

        Args:
            make: of the document that it has, while nobody else changes it.
        Returns:
            the new one.
        Raises:
            UnknownImage, CatalogueDamaged, StorageFull, CatalogueUnavailable: nothing was changed;
            nor where `make` raises an error.
        """
        self._database.dialect.check_room()
        with self._database.writing() as connection:
            seq = _seq(connection, image_id)
            document = make(_document(connection, seq, image_id))
            self._replace(connection, seq, document)
        return document

    def replace(self, image_id: str, document: str) -> None:
        """Gives an image another document, whatever it had; errors as `change`, but for damage."""
        self._database.dialect.check_room()
        with self._database.writing() as connection:
            self._replace(connection, _seq(connection, image_id), document)

    def _replace(self, connection: Connection, seq: int, document: str) -> None:
        connection.execute(delete(image_metadata).where(image_metadata.c.seq == seq))
        store(connection, self._database.dialect, {seq: document})

    def since(self, last: Change | None, after: int, limit: int) -> NewChanges:
        """Reads the changes that came after those that somebody has.

        Args:
            last: the newest of those; None where there are none.
            after: a number below all of them, from which the first look begins.
        """
        begin = after if last is None else last.change
        with self._database.driver() as driver:
            # One more than are wanted, and the row that is known already.
            values = (begin, begin, limit + 2)
            rows = self._database.dialect.rows(driver, NEW_CHANGES, values)
        known = last and (last.change, last.seq, last.crc, None)
        follows = known is None or [tuple(row) for row in rows[:1]] == [known]
        fresh = [Change(*row) for row in rows if row[-1] is not None]
        return NewChanges(follows, fresh[:limit], more=len(fresh) > limit)

    def stream(self, after: int, up_to: int) -> Iterator[list[Change]]:
        """Reads changes with `after` < number <= `up_to`, a page at a time, each in a transaction
        of its own. What has changed again by then is left out: its number is above.

        Raises:
            CatalogueDamaged: a document is not what was stored; the text names its image.
        """
        while page := self.since(None, after, PAGE).changes:
            within = [change for change in page if change.change <= up_to]
            for change in within:
                change.check()
            if within:
                yield within
            if len(within) < len(page):
                return
            after = page[-1].change

    def count(self, after: int) -> int:
        """Counts the documents that were set after a change."""
        query = select(func.count()).where(image_metadata.c.change > after)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def last(self) -> int:
        """Returns the number of the newest change, 0 where there is none."""
        with self._database.reading() as connection:
            return newest(connection)


def store(connection: Connection, dialect: Dialect, documents: dict[int, str]) -> None:
    """Stores documents, by sequence numbers of images that have none, within a transaction."""
    if not documents:
        return
    numbers = dialect.draw_numbers(connection, image_metadata.c.change, len(documents))
    rows = [
        {
            "change": number,
            "seq": seq,
            "document": document,
            "crc": row_checksums.checksum(number, seq, document),
        }
        for number, (seq, document) in zip(numbers, documents.items(), strict=True)
    ]
    connection.execute(insert(image_metadata), rows)


def newest(connection: Connection) -> int:
    """Returns the number of the newest change, 0 where there is none, within a transaction."""
    query = select(func.coalesce(func.max(image_metadata.c.change), 0))
    return int(connection.execute(query).scalar_one())


def _seq(connection: Connection, image_id: str) -> int:
    return int(row_of(connection, select(images.c.seq), image_id).seq)


def _document(connection: Connection, seq: int, image_id: str) -> str:
    columns = (*row_checksums.METADATA, image_metadata.c.crc)
    query = select(*columns).where(image_metadata.c.seq == seq)
    row = connection.execute(query).one_or_none()
    if row is None:
        return EMPTY
    if not row_checksums.is_whole(row.crc, *row[:-1]):
        raise CatalogueDamaged(
            f"the metadata of {image_id} are not what was stored: set them again by PUT"
        )
    return str(row.document)
