"""Which segments of a generation the next one takes over, and which of them it joins."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.segments import Segments


@dataclass(frozen=True)
class Part:
    """What stays of a segment of the generation before; `whole` where that is all of it."""

    name: str
    seqs: NDArray[np.int64]
    crcs: NDArray[np.uint32]
    whole: bool


def compacted(segments: Segments, removed: NDArray[np.int64], most_rows: int) -> list[list[Part]]:
    """Returns the segments of the next generation, each as the parts that it is made of.

    The last parts are joined where they are of like size, into at most `most_rows` rows. So the
    number of segments grows as the logarithm of the number of updates, and no image is written
    again by more than as many of them.
    Source: P. O'Neil and others, "The log-structured merge-tree", 1996.
    """
    parts = list(_parts(segments, removed))
    last: list[Part] = []
    images = 0
    for part in reversed(parts):
        size = len(part.seqs)
        if last and (size > 2 * images or size + images > most_rows):
            break
        last.insert(0, part)
        images += size
    return [[part] for part in parts[: len(parts) - len(last)]] + ([last] if last else [])


def _parts(segments: Segments, removed: NDArray[np.int64]) -> Iterator[Part]:
    """Yields what stays of each segment, but for those of which nothing does."""
    stays = ~np.isin(segments.seqs, removed)
    first = 0
    for name, rows in segments.rows.items():
        part = slice(first, first + rows)
        seqs, crcs = segments.seqs[part][stays[part]], segments.crcs[part][stays[part]]
        first += rows
        if len(seqs):
            yield Part(name, seqs, crcs, whole=len(seqs) == rows)
