"""The nearest images of a collection among those that meet a filter.

Few are compared one by one. Some thousands are named in the search. Of more, what Milvus finds
among all is sifted, twice as much each time; where even the longest search holds too few, all that
meet the filter are named, part by part: slow, but not one is missed.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sidecar.index.milvus.server import MOST_RESULTS
from sidecar.index.narrowed import FEW
from sidecar.index.places import places_among
from sidecar.index.request import Found, SearchRequest, the_nearest

NAMED = 16_384  # keys of one search: 130 KB of its text
AMPLE = 1.5  # times what is needed on average where the filter has nothing to do with likeness

Compared = Callable[[NDArray[np.float32], NDArray[np.int64]], Found]
# A query, float32 [D]; how many; NPROB; the keys that may be found, or None ──► keys, int64 [n].
Search = Callable[[NDArray[np.float32], int, int, NDArray[np.int64] | None], NDArray[np.int64]]


class MatchingKeys:
    """The images of a generation that meet a filter; as `engine.Matching` has it."""

    def __init__(
        self,
        seqs: NDArray[np.int64],
        meets: NDArray[np.bool_],
        compared: Compared,
        search: Search,
    ) -> None:
        """Takes what meets it, bool [n], of the sequence numbers, int64 [n] ascending."""
        self._keys = seqs[meets]
        self._share = len(self._keys) / max(1, len(seqs))
        self._compared = compared
        self._search = search

    def nearest(
        self, query: NDArray[np.float32], request: SearchRequest, own_seq: int | None = None
    ) -> Found:
        seqs, dist = self._found(query, request, own_seq)
        return the_nearest(seqs, dist, request)

    def _found(
        self, query: NDArray[np.float32], request: SearchRequest, own_seq: int | None
    ) -> Found:
        if len(self._keys) <= FEW:
            return self._compared(query, self._keys[self._keys != own_seq])
        if len(self._keys) > NAMED:
            sifted = self._sifted(query, request, own_seq)
            if sifted is not None:
                return sifted
        parts = [
            self._named(query, request, own_seq, self._keys[at : at + NAMED])
            for at in range(0, len(self._keys), NAMED)
        ]
        seqs, dist = (np.concatenate(each) for each in zip(*parts, strict=True))
        return seqs, dist

    def _sifted(
        self, query: NDArray[np.float32], request: SearchRequest, own_seq: int | None
    ) -> Found | None:
        """Returns what was found among all images; None where the longest search holds too few."""
        limit = int(AMPLE * (request.depth + 1) / self._share)
        while limit <= MOST_RESULTS:
            keys = self._search(query, limit, request.nprob, None)
            wanted = keys[(places_among(keys, self._keys) >= 0) & (keys != own_seq)]
            found = self._compared(query, wanted)
            if len(found[0]) >= request.depth:
                return found
            limit = 2 * limit
        return None

    def _named(
        self,
        query: NDArray[np.float32],
        request: SearchRequest,
        own_seq: int | None,
        among: NDArray[np.int64],
    ) -> Found:
        limit = request.depth + 1
        while True:
            keys = self._search(query, limit, request.nprob, among)
            found = self._compared(query, keys[keys != own_seq])
            is_all = limit >= min(len(among), MOST_RESULTS)
            if len(found[0]) >= request.depth or is_all:
                return found
            limit = min(2 * limit, MOST_RESULTS)
