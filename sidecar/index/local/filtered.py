"""A query's features to the nearest of those images of a generation that meet a filter."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Index, distances
from sidecar.index.narrowed import FEW, ListLayout, Narrowed, narrowed
from sidecar.index.recall.quality import Quality
from sidecar.index.request import Found, SearchRequest, the_nearest
from sidecar.index.segments import Segments


class MatchingRows:
    """The images of a generation that meet a filter, ready to be searched by many queries; as
    `engine.Matching` has it."""

    def __init__(
        self,
        index: Index,
        segments: Segments,
        quality: Quality,
        layout: Callable[[], ListLayout],
        meets: NDArray[np.bool_],
    ) -> None:
        """Takes what meets it, bool [n], of each image of the generation; not what is gone."""
        self._segments = segments
        self._points = quality.operating_points
        self._few = segments.seqs[meets] if np.count_nonzero(meets) <= FEW else None
        self._many: Narrowed | None = None
        if self._few is None:
            self._many = narrowed(index, segments.seqs, layout(), meets, quality.filtered.reach)

    def nearest(
        self, query: NDArray[np.float32], request: SearchRequest, own_seq: int | None = None
    ) -> Found:
        seqs = self._candidates(query, request)
        seqs = seqs[seqs != own_seq]
        return the_nearest(seqs, distances(query, self._segments.features(seqs)), request)

    def _candidates(self, query: NDArray[np.float32], request: SearchRequest) -> NDArray[np.int64]:
        if self._many is None:
            assert self._few is not None
            return self._few
        wanted = request.depth + 1  # one may be the query itself
        params = self._points.search_params(request.nprob, wanted)
        return self._many.candidates(query, params, wanted)
