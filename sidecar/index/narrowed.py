"""Candidates among some rows of an index: in as many lists as hold enough of them.

The fewer rows a search may find, the farther lie the nearest of them, and the less do their codes
distinguish them: so the share of them says how many have to be looked at, and how many of these are
candidates. Lists without any are passed over; where the rows are few enough, their codes are copied
out of the lists, and every search looks at all of them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Compact, IncludeIds, Index, SearchParams

FEW = 512  # rows that are better compared one by one: that takes 2 ms
COMPACT = 32_768  # rows whose codes are copied: 80 bytes each, with 1,280 dimensions
CANDIDATES = 0.25  # the power of `farther` by which more of the rows are candidates
COMPARED = 1 << 18  # numbers that are compared at least: the fewer a row has, the coarser its code
FARTHER = 4  # times as many lists, where too few were found


@dataclass(frozen=True, eq=False)
class ListLayout:
    """Which rows lie in which list.

    Args:
        rows: int32 [n], those of list after list.
        starts: int64 [lists + 1], where each list begins; the last is n.
    """

    rows: NDArray[np.int32]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, index: Index, seqs: NDArray[np.int64]) -> "ListLayout":
        """Returns that of an index, by the sequence numbers of its rows, int64 [n] ascending."""
        labels = index.labels_by_list()
        rows = np.searchsorted(seqs, np.concatenate(labels)).astype(np.int32)
        return cls(rows, np.append(0, np.cumsum([len(each) for each in labels])))


class Narrowed:
    """Some rows of an index, among which queries look for candidates.

    Args:
        seqs: int64 [n] ascending, of all rows.
        meets: bool [n], which of them may be found; at least one.
        widening: the power of their share by which a search looks farther: 0.5 is ten times as far
            for a hundredth of all rows.
    """

    def __init__(
        self,
        index: Index,
        seqs: NDArray[np.int64],
        layout: ListLayout,
        meets: NDArray[np.bool_],
        widening: float,
    ) -> None:
        self._index = index
        places = np.flatnonzero(meets[layout.rows])  # in the order of the lists
        ends = np.searchsorted(places, layout.starts)
        self._in_list = np.diff(ends)
        self._rows = len(places)
        self._farther = float((self._rows / len(seqs)) ** -widening)
        self._compact: Compact | None = None
        if self._rows <= COMPACT:
            held = np.flatnonzero(self._in_list)
            self._compact = index.compact(
                (number, places[ends[number] : ends[number + 1]] - layout.starts[number])
                for number in held.tolist()
            )
        self._seqs = seqs[layout.rows[places]] if self._compact else None
        self._among = None if self._compact else IncludeIds(seqs[meets])

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
        most = int(params.candidates * self._farther**CANDIDATES)
        if self._compact is not None and self._seqs is not None:
            most = max(most, COMPARED // self._index.dimension)
            return self._seqs[self._index.candidates_in(self._compact, query, most)]
        assert self._among is not None
        order = self._index.list_order(query)
        order = order[self._in_list[order] > 0]
        seen = np.cumsum(self._in_list[order])
        enough = params.lists / self._index.lists * self._rows * self._farther
        # As many lists as among all rows, too: the rows may lie together, far from the query.
        visited = max(params.lists, int(np.searchsorted(seen, enough)) + 1)
        while True:
            lists = order[:visited]
            found = self._index.candidates_among(query, lists, most, self._among)
            if len(found) >= min(least, self._rows) or visited >= len(order):
                return found
            visited *= FARTHER
