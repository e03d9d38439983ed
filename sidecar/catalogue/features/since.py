"""The features that came since somebody last looked, by one look-up that a search can pay for."""

from dataclasses import dataclass

from sidecar.catalogue.database import Database
from sidecar.catalogue.dialects.dialect import FeatureRow

# The newest row that is known already comes without its vector: it only says that it is there.
NEW_FEATURES = (
    "SELECT seq, crc, CASE WHEN seq > ? THEN vector END, keywords FROM features "
    "WHERE model = ? AND seq >= ? ORDER BY seq LIMIT ?"
)


@dataclass(frozen=True)
class NewRow:
    """The features of an image: its sequence number, CRC-32, vector, and the column of keywords
    beside it, None where they were not made yet."""

    seq: int
    crc: int
    vector: bytes
    keywords: bytes | None


@dataclass(frozen=True)
class NewRows:
    """Rows that came after others.

    Args:
        follows: whether the newest of those others is still there; else it was removed, or the
            catalogue was replaced by another copy, whose numbers are others.
        rows: in order of seq.
        more: whether there are more.
    """

    follows: bool
    rows: list[NewRow]
    more: bool


class NewFeatures:
    """Reads on from a row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, model: int, last: FeatureRow | None, after: int, limit: int) -> NewRows:
        """Reads the rows of a model that came after those that somebody has.

        Args:
            last: the newest of those; None where there are none.
            after: a sequence number below all of them, from which the first look begins.
            limit: how many rows to read.
        """
        begin = after if last is None else last.seq
        with self._database.driver() as driver:
            # One more than are wanted, and the row that is there already.
            values = (begin, model, begin, limit + 2)
            rows = self._database.dialect.rows(driver, NEW_FEATURES, values)
        known = last and (last.seq, last.crc, None)
        follows = known is None or [tuple(row[:-1]) for row in rows[:1]] == [known]
        fresh = [NewRow(*row) for row in rows if row[2] is not None]
        return NewRows(follows, fresh[:limit], more=len(fresh) > limit)
