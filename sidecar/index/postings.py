"""The keywords of some rows, keyword by keyword: the rows that have it, the highest score first.

An entry is one number, so that those of a keyword over a score lie side by side, and to join two is
to sort them:

    label, 16 bits | 65,535 - score, 16 bits | row, 32 bits

A label is a place in the version's labels.txt; a score is a float16 of at least 0, whose bits are
in the order of what they stand for.
Source: Zobel and Moffat, "Inverted files for text search engines", 2006.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import DIGITS, KeywordPage
from sidecar.index.segments import mapped

ENTRY, SCORE = np.dtype("<u8"), np.dtype("<f2")
ROW_BITS, SCORE_BITS = 32, 16
LABEL_AT = ROW_BITS + SCORE_BITS
LAST_ROW, LAST_SCORE = (1 << ROW_BITS) - 1, (1 << SCORE_BITS) - 1
MOST = float(np.finfo(SCORE).max)


class Place(NamedTuple):
    """Where a row stands among those that have a keyword."""

    score: float
    row: int


@dataclass(frozen=True, eq=False)
class Postings:
    """Entries, uint64 [m] ascending; rows are those of whoever has them."""

    entries: NDArray[np.uint64]

    @classmethod
    def none(cls) -> "Postings":
        """Returns those of rows without keywords."""
        return cls(np.empty(0, ENTRY))

    @classmethod
    def of(cls, page: KeywordPage, rows: NDArray[np.int64]) -> "Postings":
        """Returns the keywords of a page of images.

        Args:
            rows: int64 [n], the row of each image; -1 for one to leave out.
        """
        rows = np.repeat(rows, page.counts)
        scores = np.asarray(page.scores, SCORE).view("<u2").astype(ENTRY)
        entries = page.labels.astype(ENTRY) << LABEL_AT
        entries |= (LAST_SCORE - scores) << ROW_BITS
        entries |= rows.astype(ENTRY) & LAST_ROW
        return cls(np.sort(entries[rows >= 0]))

    @classmethod
    def map(cls, path: Path) -> "Postings":
        """Maps a file that `save` wrote. Errors are OSErrors."""
        return cls(mapped(path, ENTRY))

    def save(self, path: Path) -> None:
        """Writes them into a file."""
        path.write_bytes(self.entries.tobytes())

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many rows have each label, int64 [the largest label + 1]."""
        return np.bincount((self.entries >> LABEL_AT).astype(np.int64))

    def counts_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns how many of some rows have each label, int64 as `counts`."""
        if not len(rows) or not len(self.entries):
            return np.zeros_like(self.counts)
        among = np.isin((self.entries & LAST_ROW).astype(np.int64), rows)
        labels = (self.entries[among] >> LABEL_AT).astype(np.int64)
        return np.bincount(labels, minlength=len(self.counts))

    def having(self, label: int, least: float = 0.0) -> NDArray[np.int64]:
        """Returns the rows that have a keyword with a score of at least `least`, as scores are
        shown, with four digits: int64 [n], the highest score first."""
        return self.walk(label, least, Place(MOST, 0))[1]

    def walk(
        self, label: int, least: float, begin: Place, most: int | None = None
    ) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
        """Returns scores, float16 [n], and rows, int64 [n], from a place on, `most` at most."""
        first = _entry(label, begin.score, begin.row)
        last = _entry(label, _least_shown_as(least), LAST_ROW)
        start = int(np.searchsorted(self.entries, first))
        stop = int(np.searchsorted(self.entries, last, "right"))
        found = self.entries[start : stop if most is None else min(stop, start + most)]
        scores = (LAST_SCORE - (found >> ROW_BITS & LAST_SCORE)).astype("<u2").view(SCORE)
        return scores, (found & LAST_ROW).astype(np.int64)

    def differing(self, other: "Postings") -> NDArray[np.int64]:
        """Returns the rows, int64 [n] ascending, whose keywords or scores are others."""
        entries = np.setxor1d(self.entries, other.entries)
        return np.unique((entries & LAST_ROW).astype(np.int64))

    def moved(self, places: NDArray[np.int64]) -> "Postings":
        """Returns those of the rows that stay.

        Args:
            places: int64, the new row of each, in the same order; -1 for one that leaves.
        """
        rows = places[(self.entries & LAST_ROW).astype(np.int64)]
        stays = rows >= 0
        kept = self.entries[stays] & ~np.uint64(LAST_ROW)
        return Postings(kept | rows[stays].astype(ENTRY))

    @classmethod
    def merged(cls, parts: Sequence["Postings"]) -> "Postings":
        """Returns all parts as one; no row may have some in two."""
        entries = np.concatenate([part.entries for part in parts])
        return cls(np.sort(entries, kind="stable"))  # which merges what is in order already


def _least_shown_as(score: float) -> float:
    """Returns the least float16 that is shown as a score, or as more."""
    least = max(0.0, score - 0.50001 * 10**-DIGITS)  # a little more: a half may be rounded up
    nearest = np.array(least, SCORE)
    if float(nearest) < least:
        nearest = np.nextafter(nearest, SCORE.type(1))
    return float(nearest)


def _entry(label: int, score: float, row: int) -> np.uint64:
    bits = int(np.array(min(score, MOST), SCORE).view("<u2"))
    return np.uint64(label << LABEL_AT | (LAST_SCORE - bits) << ROW_BITS | row)
