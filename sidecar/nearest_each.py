"""Finds the neighbours of many queries in one pass through what a search looks through."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import IndexAhead
from sidecar.index import SearchRequest, rank_each, the_nearest
from sidecar.index.ann import ExcludeIds
from sidecar.search import Neighbours, Search
from sidecar.telemetry import timings
from sidecar.view import View

Found = tuple[NDArray[np.int64], NDArray[np.float32]]  # sequence numbers [m], distances [m]


def nearest_each(
    search: Search,
    view: View,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
) -> list[Neighbours]:
    """Does for each of many queries what a search does for one, with one look at what is recent and
    one into the catalogue.

    It ranks again, without the removed images, until the catalogue has an id for each image that
    was found, or knows of no further removal.

    Args:
        queries: float32 [n, D] of norm 1, by the view's model.
        own_seqs: the sequence number of each that is a stored image, else None.
    Raises:
        IndexAhead, IndexDamaged, CatalogueUnavailable.
    """
    generation, view = view.generation, search.views.read_on(view)
    excluded = search.tombstones.known(generation) if generation else None
    known_before: object = None
    while True:
        with timings.stage("search"):
            found = _rank(view, queries, own_seqs, request, excluded)
            every = np.unique(np.concatenate([seqs for seqs, _ in found])).tolist()
            ids = search.images.ids_of(every, view.seen)
        known = (len(excluded.labels) if excluded else 0, view.removals_seen)
        if len(ids) == len(every) or known == known_before:
            return [_neighbours(view, each, ids) for each in found]
        if generation is not None and not search.views.generations.fits(generation.meta):
            raise IndexAhead(f"generation {generation.number} is newer than the catalogue")
        known_before = known
        excluded = search.tombstones.refreshed(generation) if generation else None
        view = search.views.read_on(view, removed=True)


def _rank(
    view: View,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
    excluded: ExcludeIds | None,
) -> list[Found]:
    """Ranks what a generation holds and what came since together, by exact distances."""
    parts: list[list[Found]] = [[] for _ in queries]
    if view.generation is not None:
        ranked = rank_each(view.generation, queries, own_seqs, request, excluded)
        for part, found in zip(parts, ranked, strict=True):
            part.append(found)
    if view.recent:
        for part, query, own in zip(parts, queries, own_seqs, strict=True):
            part.append(view.recent.nearest(query, request.num_results, own))
    return [_joined(part, request) for part in parts]


def _joined(part: list[Found], request: SearchRequest) -> Found:
    seqs, dist = (np.concatenate(each) for each in zip(*part, strict=True))
    return the_nearest(seqs, dist, request)


def _neighbours(view: View, found: Found, ids: dict[int, str]) -> Neighbours:
    seqs, dist = found
    kept = [(d, ids[s]) for d, s in zip(dist.tolist(), seqs.tolist(), strict=True) if s in ids]
    dists, names = [d for d, _ in kept], [name for _, name in kept]
    return Neighbours(dists, names, view.version, view.number, view.unindexed)
