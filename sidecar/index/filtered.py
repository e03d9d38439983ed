"""A query's features to the nearest of those images of a generation that meet a filter."""

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import distances
from sidecar.index.generation import Generation
from sidecar.index.narrowed import FEW, Narrowed, narrowed
from sidecar.index.ranking import SearchRequest, the_nearest
from sidecar.index.recent import Found


class Matching:
    """The images of a generation that meet a filter, ready to be searched by many queries."""

    def __init__(self, generation: Generation, meets: NDArray[np.bool_]) -> None:
        """Takes what meets it, bool [n], of each image of the generation; not what is gone."""
        seqs = generation.segments.seqs
        self._generation = generation
        self._few = seqs[meets] if np.count_nonzero(meets) <= FEW else None
        self._many: Narrowed | None = None
        if self._few is None:
            reach, layout = generation.meta.quality.filtered.reach, generation.list_layout
            self._many = narrowed(generation.index, seqs, layout, meets, reach)

    def nearest(
        self, query: NDArray[np.float32], request: SearchRequest, own_seq: int | None = None
    ) -> Found:
        """Finds the nearest of them by their full features.

        Args:
            query: float32 [D].
            request: how many, how carefully, how far.
            own_seq: the sequence number of the query, where it is a stored image: it is left out.
        Returns:
            as `rank`: as many as are asked for, where so many meet the filter.
        Raises:
            IndexDamaged: what the generation holds is not what was stored.
        """
        seqs = self._candidates(query, request)
        seqs = seqs[seqs != own_seq]
        features = self._generation.segments.features(seqs)
        return the_nearest(seqs, distances(query, features), request)

    def _candidates(self, query: NDArray[np.float32], request: SearchRequest) -> NDArray[np.int64]:
        if self._many is None:
            assert self._few is not None
            return self._few
        wanted = request.depth + 1  # one may be the query itself
        params = self._generation.search_params(request.nprob, wanted)
        return self._many.candidates(query, params, wanted)
