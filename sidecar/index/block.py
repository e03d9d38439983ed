"""Some rows of the catalogue in memory: features, and keywords beside them."""

import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import KeywordPage, NewRow
from sidecar.index.ann import Flat
from sidecar.index.postings import Postings

log = logging.getLogger(__name__)

FEATURES = np.dtype("<f2")


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows, as they were added.

    Args:
        seqs: int64 [n] ascending.
        crcs: int64 [n], of the features.
        features: float16 [n, D].
        keywords: of these rows.
    """

    seqs: NDArray[np.int64]
    crcs: NDArray[np.int64]
    features: Flat
    keywords: Postings

    @classmethod
    def of(cls, model: int, rows: Sequence[NewRow]) -> "Block | None":
        """Returns rows of a model, in order; without those whose features are damaged, and None
        where there are no others. A row whose keywords are damaged has none."""
        sound = [row for row in rows if _is_sound(row)]
        if not sound:
            return None
        features = np.frombuffer(b"".join(row.vector for row in sound), FEATURES)
        page = KeywordPage.of(model, [(row.seq, row.keywords) for row in sound])
        return cls(
            page.seqs,
            np.array([row.crc for row in sound], np.int64),
            Flat(features.reshape(len(sound), -1)),
            Postings.of(page, np.arange(len(sound))),
        )

    def but(self, gone: NDArray[np.bool_]) -> "Block | None":
        """Returns the block without some rows, None where nothing is left of it."""
        if not gone.any():
            return self
        kept = ~gone
        if not kept.any():
            return None
        places = np.where(kept, np.cumsum(kept) - 1, -1)
        features = Flat(self.features.rows()[kept])
        return Block(self.seqs[kept], self.crcs[kept], features, self.keywords.moved(places))

    def joined(self, newer: "Block") -> "Block":
        """Returns both as one."""
        places = np.arange(len(self.seqs), len(self.seqs) + len(newer.seqs))
        return Block(
            np.concatenate([self.seqs, newer.seqs]),
            np.concatenate([self.crcs, newer.crcs]),
            Flat(np.concatenate([self.features.rows(), newer.features.rows()])),
            Postings.merged([self.keywords, newer.keywords.moved(places)]),
        )


def _is_sound(row: NewRow) -> bool:
    if zlib.crc32(row.vector) == row.crc:
        return True
    log.error(
        "the features of image number %d are not what was stored: no search finds it", row.seq
    )
    return False
