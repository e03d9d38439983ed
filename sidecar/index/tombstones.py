"""What a generation of the index still holds, and a search must leave out."""

from dataclasses import dataclass

import numpy as np

from sidecar.catalogue import Removals
from sidecar.index.ann import ExcludeIds
from sidecar.index.generation import Generation


@dataclass(frozen=True)
class _Known:
    """What was removed from a generation, as far as this process has heard."""

    generation: Generation
    removal: int
    without: ExcludeIds | None


class Tombstones:
    """One for each process; it asks the catalogue when a search came upon an image that is gone."""

    def __init__(self, removals: Removals) -> None:
        self._removals = removals
        self._known: _Known | None = None  # replaced in whole: threads need no lock

    def known(self, generation: Generation) -> ExcludeIds | None:
        """What is known to be gone; asks the catalogue only for a generation that is new here."""
        known = self._known
        if known is None or known.generation is not generation:
            return self.refreshed(generation)
        return known.without

    def refreshed(self, generation: Generation) -> ExcludeIds | None:
        """What is gone by now."""
        known = self._known
        if known is None or known.generation is not generation:
            known = _Known(generation, generation.meta.removals, None)
        removed = self._removals.since(known.removal)
        gone = generation.segments.holding(np.array(removed.seqs, np.int64))
        before = known.without.labels if known.without else np.empty(0, np.int64)
        if len(gone):
            known = _Known(generation, removed.last, ExcludeIds(np.union1d(before, gone)))
        else:
            known = _Known(generation, removed.last, known.without)
        self._known = known
        return known.without
