"""How the keywords of an image by a model stand in the database: in the column `keywords` beside
its features, those with a probability over 0.05, 20 at most.

    CRC-32, uint32 | labels, uint16 [n] | scores, float16 [n]        little-endian, likeliest first

A label is a place in the version's labels.txt. The checksum covers the row's key as well, so that
keywords that came to stand in another row are not taken for its own. Null: they were not made yet.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

OVER = 0.05  # a probability; what is less likely is not worth a filter
MOST_KEYWORDS = 20  # keywords of an image
DIGITS = 4  # of a score as clients see it, who may ask for those of at least as much
LABEL, SCORE = np.dtype("<u2"), np.dtype("<f2")
CRC_BYTES, KEYWORD_BYTES = 4, LABEL.itemsize + SCORE.itemsize


@dataclass(frozen=True, eq=False)
class TopKeywords:
    """The likeliest keywords of an image, likeliest first.

    Args:
        labels: uint16 [n], places in the version's labels.txt.
        scores: float16 [n], probabilities.
    """

    labels: NDArray[np.uint16]
    scores: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def floor(self) -> float:
        """The most that a keyword can score that is not among them."""
        return float(self.scores[-1]) if len(self) == MOST_KEYWORDS else OVER


NO_KEYWORDS: Mapping[int, TopKeywords] = MappingProxyType({})  # by sequence number


def top(probabilities: NDArray[np.float32]) -> TopKeywords:
    """Returns the keywords that are kept of what a model gives an image, float32 [K]."""
    over = np.flatnonzero(probabilities > OVER)
    likeliest = over[np.argsort(-probabilities[over], kind="stable")[:MOST_KEYWORDS]]
    return TopKeywords(likeliest.astype(LABEL), probabilities[likeliest].astype(SCORE))


def to_column(seq: int, model: int, keywords: TopKeywords) -> bytes:
    """Returns what stands in the row of an image and a model."""
    content = keywords.labels.astype(LABEL).tobytes() + keywords.scores.astype(SCORE).tobytes()
    return _crc(seq, model, content) + content


def is_whole(seq: int, model: int, column: bytes) -> bool:
    """Says whether this is what was stored in the row of an image and a model."""
    content = column[CRC_BYTES:]
    return len(content) % KEYWORD_BYTES == 0 and column[:CRC_BYTES] == _crc(seq, model, content)


def from_column(seq: int, model: int, column: bytes | None) -> TopKeywords | None:
    """Returns the keywords in the row of an image and a model; None where they were not made yet,
    or are not what was stored: `verify` names those, and either way they can be made again."""
    if column is None or not is_whole(seq, model, column):
        return None
    labels, scores = split(column)
    return TopKeywords(np.frombuffer(labels, LABEL), np.frombuffer(scores, SCORE))


def split(column: bytes) -> tuple[bytes, bytes]:
    """Returns the labels and the scores of a whole row, as many bytes of each."""
    middle = (CRC_BYTES + len(column)) // 2
    return column[CRC_BYTES:middle], column[middle:]


def _crc(seq: int, model: int, content: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(content, zlib.crc32(struct.pack("<qq", seq, model))))
