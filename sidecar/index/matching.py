"""Which images meet a filter."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import And, Condition, Filter, HasId, HasKeyword, Not, Or
from sidecar.index.live_fields import Shelf
from sidecar.index.places import places_among

Mask = NDArray[np.bool_]  # [n], of the images of a shelf
LookUp = Callable[[tuple[str, ...]], list[int]]


@dataclass(frozen=True)
class Names:
    """What names in a filter stand for.

    Args:
        seqs_of: returns the sequence numbers of ids, ascending.
        labels_of: returns the places of keywords in labels.txt.
    """

    seqs_of: LookUp
    labels_of: LookUp


def meeting(wanted: Filter, shelf: Shelf, names: Names) -> Mask:
    """Returns which of a shelf's images meet a filter, bool [n]; raises what `names` raise."""

    def meets(part: Filter) -> Mask:
        if isinstance(part, And):
            everywhere = np.ones(len(shelf.seqs), np.bool_)
            return reduce(np.logical_and, map(meets, part.parts), everywhere)
        if isinstance(part, Or):
            return reduce(np.logical_or, map(meets, part.parts), np.zeros(len(shelf.seqs), bool))
        if isinstance(part, Not):
            return np.logical_not(meets(part.part))
        if isinstance(part, HasId):
            return _having(np.array(names.seqs_of(part.ids), np.int64), shelf)
        if isinstance(part, HasKeyword):
            found = np.zeros(len(shelf.seqs), np.bool_)
            for label in names.labels_of(part.names):
                found[shelf.keywords.having(label, part.least)] = True
            return found
        return _by_field(part, shelf)

    return meets(wanted)


def _by_field(condition: Condition, shelf: Shelf) -> Mask:
    """Returns which images meet a condition on a field: what a layer says of an image counts more
    than what is under it."""
    found = np.zeros(len(shelf.seqs), np.bool_)
    if shelf.base is not None:
        found[shelf.base.rows(condition)] = True
    for placed in shelf.over:
        found[placed.places[placed.places >= 0]] = False
        hits = placed.places[placed.layer.columns.rows(condition)]
        found[hits[hits >= 0]] = True
    return found


def _having(seqs: NDArray[np.int64], shelf: Shelf) -> Mask:
    """Returns which images have one of some sequence numbers."""
    found = np.zeros(len(shelf.seqs), np.bool_)
    places = places_among(seqs, shelf.seqs)
    found[places[places >= 0]] = True
    return found
