"""The removed images that a generation of the index still holds, and a search must leave out."""

from dataclasses import dataclass

import numpy as np

from sidecar.catalogue import Removals
from sidecar.index.ann import ExcludeIds
from sidecar.index.generation import Generation


@dataclass(frozen=True)
class _Known:
    """The images of a generation that were removed up to a removal; None where there are none."""

    generation: Generation
    removal: int
    exclude: ExcludeIds | None


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
            known = _Known(generation, generation.meta.removals, None)
        removed = self._removals.since(known.removal)
        gone = generation.segments.holding(np.array(removed.seqs, np.int64))
        exclude = known.exclude
        if len(gone):
            exclude = ExcludeIds(np.union1d(exclude.labels, gone) if exclude else np.unique(gone))
        self._known = _Known(generation, removed.last, exclude)
        return exclude
