"""The features of a generation on this host: codes pick candidates, full features rank them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import ExcludeIds, Index, SearchParams, distances
from sidecar.index.local.filtered import MatchingRows
from sidecar.index.narrowed import ListLayout
from sidecar.index.recall.quality import Quality
from sidecar.index.request import Found, SearchRequest, the_nearest
from sidecar.index.segments import Segments

FARTHER = 4  # times as many lists, where those visited hold fewer images than are asked for


@dataclass(frozen=True, eq=False)
class LocalSearch:
    """Searches files that all processes of this host map; as `engine.Searchable` has it."""

    index: Index
    segments: Segments
    quality: Quality

    @property
    def size(self) -> int:
        return self.index.size

    @cached_property
    def list_layout(self) -> ListLayout:
        """In which list the codes of each image lie."""
        return ListLayout.of(self.index, self.segments.seqs)

    def features(self, seqs: NDArray[np.int64]) -> NDArray[np.float16]:
        return self.segments.features(seqs)

    def rank_each(
        self,
        queries: NDArray[np.float32],
        own_seqs: Sequence[int | None],
        request: SearchRequest,
        exclude: ExcludeIds | None = None,
    ) -> list[Found]:
        found = []
        chosen = self._candidates(queries, own_seqs, request, exclude)
        for query, seqs in zip(queries, chosen, strict=True):
            dist = distances(query, self.segments.features(seqs))
            found.append(the_nearest(seqs, dist, request))
        return found

    def matching(self, meets: NDArray[np.bool_]) -> MatchingRows:
        return MatchingRows(
            self.index, self.segments, self.quality, lambda: self.list_layout, meets
        )

    def damage(self) -> Iterator[str]:
        """The files of the generation are all that there is."""
        return iter(())

    def _candidates(
        self,
        queries: NDArray[np.float32],
        own_seqs: Sequence[int | None],
        request: SearchRequest,
        exclude: ExcludeIds | None,
    ) -> list[NDArray[np.int64]]:
        """Returns the candidates of each query; those whose lists hold too few look farther."""
        index = self.index
        params = self.quality.operating_points.search_params(request.nprob, request.depth + 1)
        found: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(queries)
        left = np.arange(len(queries))
        while len(left):
            rows = index.candidates(queries[left], params, exclude)
            few = []
            for place, row in zip(left.tolist(), rows, strict=True):
                found[place] = row[(row >= 0) & (row != own_seqs[place])]
                if len(found[place]) < request.depth:
                    few.append(place)
            left = np.array(few if params.lists < index.lists else [], np.int64)
            params = SearchParams(FARTHER * params.lists, params.candidates)
        return found
