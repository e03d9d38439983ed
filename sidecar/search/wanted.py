"""The images that a search may find: those that meet its filter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import Filter, names_images
from sidecar.index import Block, FieldsNow, Generation, Matching, Names, meeting
from sidecar.index.ann import ExcludeIds
from sidecar.search.prepared import PreparedFilters


@dataclass(frozen=True)
class Wanted:
    """Says which images meet a filter, by the fields that they have now and by their keywords."""

    filter: Filter
    fields: FieldsNow
    names: Names
    prepared: PreparedFilters

    def of_generation(self, generation: Generation, gone: ExcludeIds | None) -> Matching:
        """Returns what meets it in a generation, without what is gone."""

        def prepare() -> Matching:
            shelf = self.fields.of_generation()
            meets = meeting(self.filter, shelf, self.names)
            if gone is not None:
                meets[np.searchsorted(shelf.seqs, gone.labels)] = False
            return generation.searchable.matching(meets)

        if names_images(self.filter):
            return prepare()  # an id may be another image's at any time
        layers = self.fields.over_generation()
        return self.prepared.matching(self.filter, generation, layers, gone, prepare)

    def of_recent(self, block: Block) -> NDArray[np.bool_]:
        """Returns which images that no generation holds meet it, bool [n]."""
        return meeting(self.filter, self.fields.of(block), self.names)
