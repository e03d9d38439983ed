"""Sets of labels that a search leaves out, or is confined to."""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

SPARSE = 64  # bits for each label, from which on a set of hashes is smaller than a bitmap


class ExcludeIds:
    """A set of labels that a search leaves out, made once for many searches."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        self.labels = labels
        chosen = faiss.IDSelectorBatch(np.ascontiguousarray(labels))
        self.selector: Any = faiss.IDSelectorNot(chosen)


class IncludeIds:
    """The labels that a search is confined to: one bit for each up to the largest."""

    def __init__(self, labels: NDArray[np.int64]) -> None:
        """Takes labels of at least 0, int64 [n] ascending, at least one."""
        largest = int(labels[-1])
        if largest > SPARSE * len(labels) + SPARSE:
            self.selector: Any = faiss.IDSelectorBatch(np.ascontiguousarray(labels))
            return
        chosen = np.zeros(largest + 1, np.bool_)
        chosen[labels] = True
        self._bits = np.packbits(chosen, bitorder="little")  # FAISS only borrows it
        self.selector = faiss.IDSelectorBitmap(self._bits)  # type: ignore[call-arg, arg-type]
