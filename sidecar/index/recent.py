"""The images above a sequence number, in memory, and an exact search among them.

Source: Bentley and Saxe, "Decomposable searching problems", 1980, for the sizes of the blocks.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import FeatureRow, NewRow
from sidecar.index.block import Block
from sidecar.index.places import places_among
from sidecar.index.request import Found

Meets = Callable[[Block], NDArray[np.bool_]]  # of its rows [n], bool [n]


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

    def nearest(
        self,
        query: NDArray[np.float32],
        most: int,
        own_seq: int | None = None,
        meets: Meets | None = None,
    ) -> Found:
        """Finds the nearest of all rows by their full features.

        Args:
            query: float32 [D].
            own_seq: the sequence number of the query, where it is a stored image: it is left out.
            meets: says which images may be found.
        Returns:
            seqs int64 [n] and squared L2 distances float32 [n], in no order; n may be above `most`.
        """
        seqs, dist = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for block in self.blocks:
            among = None if meets is None else np.flatnonzero(meets(block))
            positions, found = block.features.nearest(query, most + 1, among)
            seqs.append(block.seqs[positions])
            dist.append(found)
        every, far = np.concatenate(seqs), np.concatenate(dist)
        others = every != own_seq
        return every[others], far[others]

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float32]:
        """Looks up the features of images that are here, int64 [n]: float32 [n, D]."""
        dimension = self.blocks[0].features.dimension
        found = np.empty((len(seqs), dimension), np.float32)
        for block in self.blocks:
            places = places_among(seqs, block.seqs)
            here = places >= 0
            if here.any():
                found[here] = block.features.some(places[here])
        return found

    def but_up_to(self, after: int) -> "Recent":
        """Returns what is above a higher sequence number."""
        return replace(self._but(block.seqs <= after for block in self.blocks), after=after)

    def but_removed(self, seqs: Sequence[int], removal: int) -> "Recent":
        """Returns what is left after some removals, the last of which is given."""
        gone = np.array(seqs, np.int64)
        left = self._but(np.isin(block.seqs, gone) for block in self.blocks)
        return replace(left, removal=removal)

    def with_rows(self, rows: Sequence[NewRow], is_whole: bool) -> "Recent":
        """Returns it with newer rows; a damaged one is left out."""
        newest = Block.of(self.model, rows)
        if newest is None:
            return replace(self, is_whole=is_whole)
        blocks = [*self.blocks, newest]
        # A row is copied once for each doubling of its block, and there are few blocks.
        while len(blocks) > 1 and len(blocks[-2].seqs) < 2 * len(blocks[-1].seqs):
            blocks[-2:] = [blocks[-2].joined(blocks[-1])]
        return replace(self, blocks=tuple(blocks), is_whole=is_whole)

    def _but(self, gone: Iterable[NDArray[np.bool_]]) -> "Recent":
        left = (block.but(each) for block, each in zip(self.blocks, gone, strict=True))
        return replace(self, blocks=tuple(block for block in left if block is not None))
