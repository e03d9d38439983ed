"""The images that a search may find: those that meet its filter."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.fields import Filter
from sidecar.index import Block, FieldsNow, Names, meeting
from sidecar.index.ann import ExcludeIds


@dataclass(frozen=True)
class Wanted:
    """Says which images meet a filter, by the fields that they have now and by their keywords."""

    filter: Filter
    fields: FieldsNow
    names: Names

    def of_generation(self, gone: ExcludeIds | None) -> NDArray[np.bool_]:
        """Returns which images of the generation meet it, bool [n], without those that are gone."""
        shelf = self.fields.of_generation()
        meets = meeting(self.filter, shelf, self.names)
        if gone is not None:
            meets[np.searchsorted(shelf.seqs, gone.labels)] = False
        return meets

    def of_recent(self, block: Block) -> NDArray[np.bool_]:
        """Returns which images that no generation holds meet it, bool [n]."""
        return meeting(self.filter, self.fields.of(block), self.names)
