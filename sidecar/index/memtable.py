"""What came since a generation's snapshot, in memory, and an exact search in it.

A generation never changes, so an image is in none until the next update; until then a search looks
here as well. Each process reads an image's features once, by its sequence number, and drops them
when a generation holds them.

Sources: O'Neil et al., "The log-structured merge-tree (LSM-tree)", 1996, for the name and the idea;
Bentley and Saxe, "Decomposable searching problems", 1980, for the sizes of the blocks.
"""

import logging
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

from sidecar.batching import Batcher
from sidecar.catalogue import FeatureRow, NewFeatures, Removals
from sidecar.index.ann import Flat

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1024  # read from the catalogue
LARGEST_GROUP = 256  # searches that share a look into it
FEATURES = np.dtype("<f2")

Found = tuple[NDArray[np.int64], NDArray[np.float32]]  # sequence numbers [n], distances [n]


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows: seqs int64 [n] ascending, crcs int64 [n], features [n, D]."""

    seqs: NDArray[np.int64]
    crcs: NDArray[np.int64]
    features: Flat

    def but(self, gone: NDArray[np.bool_]) -> "Block | None":
        """Returns the block without some rows, None where nothing is left of it."""
        if not gone.any():
            return self
        kept = ~gone
        if not kept.any():
            return None
        return Block(self.seqs[kept], self.crcs[kept], Flat(self.features.rows()[kept]))


@dataclass(frozen=True, eq=False)
class Recent:
    """The images of a model above a sequence number, as of a moment.

    Args:
        model: the catalogue's key.
        after: the snapshot of the generation beside it, 0 where there is none.
        reading: counts how often all was read from the first row on.
        removal: the newest removal that it takes into account.
        blocks: in order of their rows.
        is_whole: whether these are all, and not only as many as there may be.
    """

    model: int
    after: int
    reading: int
    removal: int
    blocks: tuple[Block, ...] = ()
    is_whole: bool = True

    def __len__(self) -> int:
        return sum(len(block.seqs) for block in self.blocks)

    @property
    def removals_seen(self) -> tuple[int, int]:
        """Changes when rows may have gone, not when some came."""
        return self.reading, self.removal

    @property
    def last(self) -> FeatureRow | None:
        """The newest row; None where there is none."""
        if not self.blocks:
            return None
        newest = self.blocks[-1]
        return FeatureRow(int(newest.seqs[-1]), self.model, int(newest.crcs[-1]))

    def nearest(self, query: NDArray[np.float32], most: int, own_seq: int | None = None) -> Found:
        """Finds the nearest of all rows by their full features.

        Args:
            query: float32 [D].
            own_seq: the sequence number of the query, where it is a stored image: it is left out.
        Returns:
            seqs int64 [n] and squared L2 distances float32 [n], in no order; n may be above `most`.
        """
        seqs, dist = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for block in self.blocks:
            positions, found = block.features.nearest(query, most + 1)
            seqs.append(block.seqs[positions])
            dist.append(found)
        every, far = np.concatenate(seqs), np.concatenate(dist)
        others = every != own_seq
        return every[others], far[others]

    def but_up_to(self, after: int) -> "Recent":
        """Returns what is above a higher sequence number."""
        return replace(self._but(block.seqs <= after for block in self.blocks), after=after)

    def but_removed(self, seqs: Sequence[int], removal: int) -> "Recent":
        """Returns what is left after some removals, the last of which is given."""
        gone = np.array(seqs, np.int64)
        left = self._but(np.isin(block.seqs, gone) for block in self.blocks)
        return replace(left, removal=removal)

    def with_rows(self, rows: Iterable[tuple[int, int, bytes]], is_whole: bool) -> "Recent":
        """Returns it with newer rows of seq, CRC-32, vector; a damaged one is left out."""
        sound = [row for row in rows if _is_sound(row)]
        if not sound:
            return replace(self, is_whole=is_whole)
        seqs, crcs, vectors = zip(*sound, strict=True)
        features = np.frombuffer(b"".join(vectors), FEATURES).reshape(len(sound), -1)
        block = Block(np.array(seqs, np.int64), np.array(crcs, np.int64), Flat(features))
        blocks = [*self.blocks, block]
        # A row is copied once for each doubling of its block, and there are few blocks.
        while len(blocks) > 1 and len(blocks[-2].seqs) < 2 * len(blocks[-1].seqs):
            blocks[-2:] = [_joined(*blocks[-2:])]
        return replace(self, blocks=tuple(blocks), is_whole=is_whole)

    def _but(self, gone: Iterable[NDArray[np.bool_]]) -> "Recent":
        left = (block.but(each) for block, each in zip(self.blocks, gone, strict=True))
        return replace(self, blocks=tuple(block for block in left if block is not None))


class Memtable:
    """Keeps, for a process, what came since the snapshot of the generation that it searches.

    Args:
        most: rows that it holds; what came after those waits for an update.
    """

    def __init__(self, features: NewFeatures, removals: Removals, most: int) -> None:
        self._features = features
        self._removals = removals
        self._most = most
        self._readings = count()
        self._known: Recent | None = None  # replaced in whole: threads need no lock
        self._looks: Batcher[tuple[int, int, bool], Recent] = Batcher(
            "recent", self._look_for_all, LARGEST_GROUP
        )

    def recent(self, model: int, after: int, removed: bool = False) -> Recent:
        """Returns the images of a model above a sequence number, those of every add among them that
        was acknowledged before this call. Searches of the same moment share one look.

        Args:
            removed: whether to look for removals, too; a search that meets none need not.
        """
        return self._looks.ask((model, after, removed))

    def _look_for_all(self, asked: list[tuple[int, int, bool]]) -> list[Recent]:
        found: dict[tuple[int, int], Recent] = {}
        for model, after, _ in asked:
            if (model, after) not in found:
                removed = any(each == (model, after, True) for each in asked)
                found[model, after] = self._look(model, after, removed)
        return [found[model, after] for model, after, _ in asked]

    def _look(self, model: int, after: int, removed: bool) -> Recent:
        known = self._known
        if known is None or known.model != model or known.after > after:
            known = self._begun(model, after)
        elif known.after < after:
            known = known.but_up_to(after)
        self._known = known = self._read_on(self._without_removed(known) if removed else known)
        return known

    def _begun(self, model: int, after: int) -> Recent:
        """Returns an empty one; what is removed from now on is looked for."""
        newest = self._removals.last()
        return Recent(model, after, next(self._readings), newest[0] if newest else 0)

    def _read_on(self, known: Recent) -> Recent:
        """Reads what came since."""
        while True:
            room = self._most - len(known)
            read = self._features.since(
                known.model, known.last, known.after, min(room, ROWS_AT_ONCE)
            )
            if not read.follows:
                known = self._caught_up(known)
                continue
            known = known.with_rows(read.rows, is_whole=not read.more)
            if not read.more or len(known) >= self._most:
                return known

    def _caught_up(self, known: Recent) -> Recent:
        """Returns what is right of it, where its newest row is not in the catalogue any more."""
        left = self._without_removed(known)
        if left.last == known.last:  # it was not removed: the catalogue is another copy
            log.warning("the catalogue was replaced: what waits there is read anew")
            return self._begun(known.model, known.after)
        return left

    def _without_removed(self, known: Recent) -> Recent:
        removed = self._removals.since(known.removal)
        return known.but_removed(removed.seqs, removed.last)


def _is_sound(row: tuple[int, int, bytes]) -> bool:
    seq, crc, vector = row
    if zlib.crc32(vector) == crc:
        return True
    log.error("the features of image number %d are not what was stored: no search finds it", seq)
    return False


def _joined(one: Block, other: Block) -> Block:
    return Block(
        np.concatenate([one.seqs, other.seqs]),
        np.concatenate([one.crcs, other.crcs]),
        Flat(np.concatenate([one.features.rows(), other.features.rows()])),
    )
