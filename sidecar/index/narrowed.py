"""Candidates among some rows of an index: in as many lists as hold enough of them.

The fewer rows a search may find, the farther lie the nearest of them, and the less do their codes
distinguish them: so the share of them says how many have to be looked at, and how many of these are
candidates. Lists without any are passed over; where the rows are few, their codes are copied out
of the lists, and every search looks at all of them.
"""

from dataclasses import dataclass
from typing import Protocol

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


@dataclass(frozen=True)
class Reach:
    """How much farther a search looks among a share of all rows than among all of them.

    Args:
        widening: the power of the share: 0.5 is ten times as far for a hundredth.
        breadth: times as far, whatever the share.
    """

    widening: float = 0.5
    breadth: float = 1.0

    def farther(self, share: float) -> float:
        """Returns how many times as far."""
        return float(self.breadth * share**-self.widening)


class Narrowed(Protocol):
    """Some rows of an index, among which queries look for candidates."""

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


def narrowed(
    index: Index,
    seqs: NDArray[np.int64],
    layout: ListLayout,
    meets: NDArray[np.bool_],
    reach: Reach,
) -> Narrowed:
    """Returns those rows of an index that may be found, ready to be searched.

    Args:
        seqs: int64 [n] ascending, of all rows.
        meets: bool [n], which of them may be found; at least one.
        reach: how much farther a search looks.
    """
    places = np.flatnonzero(meets[layout.rows])  # in the order of the lists
    ends = np.searchsorted(places, layout.starts)
    in_list = np.diff(ends)
    farther = reach.farther(len(places) / len(seqs))
    parts = (
        (number, places[ends[number] : ends[number + 1]] - layout.starts[number])
        for number in np.flatnonzero(in_list).tolist()
    )
    codes = index.compact(parts) if len(places) <= COMPACT else None
    if codes is None:
        return _InLists(index, IncludeIds(seqs[meets]), in_list, farther)
    return _Copied(index, codes, seqs[layout.rows[places]], farther)


def _candidates(params: SearchParams, farther: float) -> int:
    """Returns how many candidates a search takes that looks so many times farther."""
    return int(params.candidates * farther**CANDIDATES)


@dataclass(frozen=True, eq=False)
class _Copied:
    """Few rows: the codes are copied, and every search looks at all of them.

    Args:
        seqs: int64 [n], of the copied codes, in their order.
    """

    index: Index
    codes: Compact
    seqs: NDArray[np.int64]
    farther: float

    def candidates(
        self, query: NDArray[np.float32], params: SearchParams, least: int
    ) -> NDArray[np.int64]:
        """As `Narrowed` has it; there are always more than `least`, or all."""
        most = max(_candidates(params, self.farther), COMPARED // self.index.dimension)
        return self.seqs[self.index.candidates_in(self.codes, query, max(most, least))]


@dataclass(frozen=True, eq=False)
class _InLists:
    """Many rows: the lists are scanned past all others, as many as hold enough.

    Args:
        in_list: int64 [lists], how many each holds.
    """

    index: Index
    among: IncludeIds
    in_list: NDArray[np.int64]
    farther: float

    def candidates(
        self, query: NDArray[np.float32], params: SearchParams, least: int
    ) -> NDArray[np.int64]:
        """As `Narrowed` has it."""
        most, rows = _candidates(params, self.farther), int(self.in_list.sum())
        order = self.index.list_order(query)
        order = order[self.in_list[order] > 0]
        seen = np.cumsum(self.in_list[order])
        enough = params.lists / self.index.lists * rows * self.farther
        # As many lists as among all rows, too: the rows may lie together, far from the query.
        visited = max(params.lists, int(np.searchsorted(seen, enough)) + 1)
        while True:
            found = self.index.candidates_among(query, order[:visited], most, self.among)
            if len(found) >= min(least, rows) or visited >= len(order):
                return found
            visited *= FARTHER
