"""The removed images that a generation of the index still holds, and a search must leave out."""

from dataclasses import dataclass

import numpy as np

from sidecar.catalogue import Removals, Tombstone
from sidecar.index.ann import ExcludeIds
from sidecar.index.generation import Generation


@dataclass(frozen=True)
class _Known:
    """The images of a generation that were removed up to a removal; None where there are none.
    `newest` is the last tombstone that was read, if any was."""

    generation: Generation
    exclude: ExcludeIds | None
    newest: Tombstone | None


class Tombstones:
    """Remembers, for a process, which images of the generation that it searches are gone.

    The catalogue is asked when a search has found an image that is gone, not at every search.
    """

    def __init__(self, removals: Removals) -> None:
        self._removals = removals
        self._known: _Known | None = None  # replaced in whole: threads need no lock

    def known(self, generation: Generation) -> ExcludeIds | None:
        """Returns the images that are known to be gone; asks the catalogue only for a generation
        that is new here."""
        known = self._known
        if known is None or known.generation is not generation:
            return self.refreshed(generation)
        return known.exclude

    def refreshed(self, generation: Generation) -> ExcludeIds | None:
        """Asks the catalogue, and returns the images that are gone by now."""
        known = self._known
        if known is None or known.generation is not generation:
            known = _Known(generation, None, None)
        if known.newest is not None and not self._removals.has(known.newest):
            known = _Known(generation, None, None)  # the catalogue was replaced by another copy
        after = known.newest.removal if known.newest else generation.meta.removals
        removed = self._removals.since(after)
        gone = generation.segments.holding(np.array(removed.seqs, np.int64))
        exclude = known.exclude
        if len(gone):
            exclude = ExcludeIds(np.union1d(exclude.labels, gone) if exclude else np.unique(gone))
        self._known = _Known(generation, exclude, removed.newest or known.newest)
        return exclude
