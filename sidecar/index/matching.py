"""Which images meet a filter."""

from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import And, Condition, Filter, HasId, Not, Or
from sidecar.index.live_fields import Shelf

Mask = NDArray[np.bool_]  # [n], of the images of a shelf
SeqsOf = Callable[[tuple[str, ...]], list[int]]  # the sequence numbers of ids, ascending


def meeting(wanted: Filter, shelf: Shelf, seqs_of: SeqsOf) -> Mask:
    """Returns which of a shelf's images meet a filter, bool [n].

    Args:
        seqs_of: looks up ids in the catalogue.
    """

    def meets(part: Filter) -> Mask:
        if isinstance(part, And):
            everywhere = np.ones(len(shelf.seqs), np.bool_)
            return reduce(np.logical_and, map(meets, part.parts), everywhere)
        if isinstance(part, Or):
            return reduce(np.logical_or, map(meets, part.parts), np.zeros(len(shelf.seqs), bool))
        if isinstance(part, Not):
            return np.logical_not(meets(part.part))
        if isinstance(part, HasId):
            return _having(np.array(seqs_of(part.ids), np.int64), shelf)
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
    places = np.searchsorted(shelf.seqs, seqs)
    inside = places < len(shelf.seqs)
    places, seqs = places[inside], seqs[inside]
    found[places[shelf.seqs[places] == seqs]] = True
    return found
