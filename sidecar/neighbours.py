"""From a query's features to ids: what a view holds is ranked, until the catalogue knows each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Images
from sidecar.errors import IndexAhead
from sidecar.index import (
    Generation,
    LiveFields,
    SearchRequest,
    Tombstones,
    rank,
    rank_among,
    the_nearest,
)
from sidecar.index.ann import ExcludeIds
from sidecar.telemetry import timings
from sidecar.view import View, Views
from sidecar.wanted import Wanted


@dataclass(frozen=True)
class Neighbours:
    """Holds the answer to a search.

    Args:
        dist: squared L2 distances, ascending; with groups, within each.
        result: the ids of the images at these distances.
        version: of the model that was searched with.
        generation: number of the one that was searched; 0 before the first training.
        unindexed: how many images were compared one by one, because no generation holds them.
        seqs: the sequence numbers of the images.
    """

    dist: list[float]
    result: list[str]
    version: int
    generation: int
    unindexed: int
    seqs: list[int]


@dataclass(frozen=True)
class Finder:
    """Finds the nearest images of a view."""

    images: Images
    views: Views
    tombstones: Tombstones
    fields: LiveFields

    def around(
        self,
        view: View,
        query: NDArray[np.float32],
        request: SearchRequest,
        itself: int | None = None,
    ) -> Neighbours:
        """Finds the images nearest to a query, float32 [D].

        It ranks again, without the removed images, until the catalogue has an id for each image
        that was found, or knows of no further removal.

        Raises:
            IndexAhead, IndexDamaged, NoIndex, CatalogueUnavailable.
        """
        generation, view = view.generation, self.views.read_on(view)
        wanted = self._wanted(generation, request)
        excluded = self.tombstones.known(generation) if generation else None
        known_before: object = None
        while True:
            with timings.stage("search"):
                seqs, dist = _rank(view, query, request, excluded, itself, wanted)
                ids = self.images.ids_of(seqs.tolist(), view.seen)
            known = (len(excluded.labels) if excluded else 0, view.removals_seen)
            if len(ids) == len(seqs) or known == known_before:
                break
            if generation is not None and not self.views.generations.fits(generation.meta):
                raise IndexAhead(f"generation {generation.number} is newer than the catalogue")
            known_before = known
            excluded = self.tombstones.refreshed(generation) if generation else None
            view = self.views.read_on(view, removed=True)
        found = [(d, s) for d, s in zip(dist.tolist(), seqs.tolist(), strict=True) if s in ids]
        found = found[request.offset or 0 :][: request.num_results]
        return Neighbours(
            [d for d, _ in found],
            [ids[s] for _, s in found],
            view.version,
            view.number,
            view.unindexed,
            [s for _, s in found],
        )

    def _wanted(self, generation: Generation | None, request: SearchRequest) -> Wanted | None:
        """Returns what the images have to meet, if anything, by their fields as they are now."""
        if request.wanted is None:
            return None
        return Wanted(request.wanted, self.fields.now(generation), self.images)


def _rank(
    view: View,
    query: NDArray[np.float32],
    request: SearchRequest,
    excluded: ExcludeIds | None,
    itself: int | None,
    wanted: Wanted | None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ranks what a generation holds and what came since together, by exact distances."""
    found = []
    if view.generation is not None and wanted is None:
        found.append(rank(view.generation, query, request, excluded, itself))
    elif view.generation is not None and wanted is not None:
        meets = wanted.of_generation(excluded)
        found.append(rank_among(view.generation, query, request, meets, itself))
    if view.recent:
        may = wanted.of_recent if wanted else None
        found.append(view.recent.nearest(query, request.depth, itself, may))
    seqs, dist = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return the_nearest(seqs, dist, request)
