"""The fields of some images, and newer ones over older ones."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Change
from sidecar.errors import CatalogueDamaged
from sidecar.fields import Columns
from sidecar.index.places import places_among

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Layer:
    """The fields of some images, as changes have set them.

    Args:
        seqs: int64 [n] ascending, the image of each row.
        columns: of these rows.
        last: the newest of the changes; None where the fields come from a generation.
    """

    seqs: NDArray[np.int64]
    columns: Columns
    last: Change | None = None

    @classmethod
    def of(cls, changes: Sequence[Change]) -> "Layer":
        """Returns the fields in some changes, at least one, in order; of an image the last ones
        count. Where a document is not what was stored, its image has no fields."""
        last = {change.seq: change for change in changes}
        seqs = sorted(last)
        columns = Columns.of(_document(last[seq]) for seq in seqs)
        return cls(np.array(seqs, np.int64), columns, changes[-1])

    def places_in(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns where each image of this layer is among sequence numbers, int64 [m] ascending;
        -1 where it is not."""
        return places_among(self.seqs, seqs)

    def among(self, seqs: NDArray[np.int64]) -> Columns:
        """Returns the fields of the images with these sequence numbers, int64 [m] ascending, a row
        each."""
        return self.columns.moved(self.places_in(seqs), len(seqs))

    def under(self, newer: "Layer") -> "Layer":
        """Returns both as one; of an image that is in both, the newer fields."""
        seqs = np.union1d(self.seqs, newer.seqs)
        places = np.searchsorted(seqs, self.seqs)
        places[np.isin(self.seqs, newer.seqs)] = -1
        older = self.columns.moved(places, len(seqs))
        return Layer(seqs, older.joined(newer.among(seqs)), newer.last)


def stacked(layers: tuple[Layer, ...], newer: Layer) -> tuple[Layer, ...]:
    """Returns layers with one more on top; few, as each is twice as large as the one over it."""
    stack = [*layers, newer]
    while len(stack) > 1 and len(stack[-2].seqs) < 2 * len(stack[-1].seqs):
        stack[-2:] = [stack[-2].under(stack[-1])]
    return tuple(stack)


def _document(change: Change) -> dict[str, object]:
    try:
        change.check()
    except CatalogueDamaged as error:
        log.error("no filter sees it: %s", error)
        return {}
    found: dict[str, object] = json.loads(change.document)
    return found
