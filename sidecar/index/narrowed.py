"""Candidates among some rows of an index: in as many lists as hold enough of them.

The fewer rows a search may find, the farther lie the nearest of them, so the share of them says how
many have to be looked at. Lists without any are passed over.
"""

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import IncludeIds, Index, SearchParams

FEW = 2048  # rows that are better compared one by one: that takes 3 ms
FARTHER = 4  # times as many, where too few were found


def lists_of(index: Index, seqs: NDArray[np.int64]) -> NDArray[np.int32]:
    """Returns the list of each image, int32 [n], of sequence numbers int64 [n] ascending."""
    found = np.empty(len(seqs), np.int32)
    for number, labels in enumerate(index.labels_by_list()):
        found[np.searchsorted(seqs, labels)] = number
    return found


class Narrowed:
    """Some rows of an index, among which queries look for candidates.

    Args:
        seqs: int64 [n] ascending, of all rows.
        lists: int32 [n], the list of each.
        rows: int64 [m] ascending, at least one, those that may be found.
        widening: the power of their share by which a search looks farther: 0.5 is ten times as far
            for a hundredth of all rows.
    """

    def __init__(
        self,
        index: Index,
        seqs: NDArray[np.int64],
        lists: NDArray[np.int32],
        rows: NDArray[np.int64],
        widening: float,
    ) -> None:
        self._index = index
        self._among = IncludeIds(seqs[rows])
        self._in_list = np.bincount(lists[rows], minlength=index.lists)
        self._rows = len(rows)
        self._farther = float((len(rows) / len(seqs)) ** -widening)

    def candidates(
        self, query: NDArray[np.float32], params: SearchParams, least: int
    ) -> NDArray[np.int64]:
        """Finds candidates for a query, float32 [D].

        Args:
            params: how far a search among all rows looks.
            least: how many are wanted, where there are so many.
        Returns:
            their sequence numbers, int64 [n].
        """
        order = self._index.list_order(query)
        order = order[self._in_list[order] > 0]
        seen = np.cumsum(self._in_list[order])
        enough = params.lists / self._index.lists * self._rows * self._farther
        # As many lists as among all rows, too: the rows may lie together, far from the query.
        visited = max(params.lists, int(np.searchsorted(seen, enough)) + 1)
        while True:
            lists = order[:visited]
            found = self._index.candidates_among(query, lists, params.candidates, self._among)
            if len(found) >= min(least, self._rows) or visited >= len(order):
                return found
            visited *= FARTHER
