"""From the features of queries to ids: what a view holds is ranked, until each has an id."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidecar.identification import Identification
from sidecar.index import LiveFields, Names, SearchRequest, rank_each, the_nearest
from sidecar.index.ann import ExcludeIds
from sidecar.index.recent import Found
from sidecar.index.reranking import RERANKED, order, scores
from sidecar.models.keywords import numbers_of
from sidecar.models.registry import ModelRegistry
from sidecar.prepared import PreparedFilters
from sidecar.telemetry import timings
from sidecar.view import View
from sidecar.wanted import Wanted


@dataclass(frozen=True)
class Neighbours:
    """Holds the answer to a search.

    Args:
        dist: squared L2 distances; ascending, with groups within each, unless there are scores.
        result: the ids of the images at these distances.
        version, sha256: of the model that was searched with.
        generation: number of the one that was searched; 0 before the first training.
        unindexed: how many images were compared one by one, because no generation holds them.
        seqs: the sequence numbers of the images.
        score: where a search orders by them, that of each image, None after the first `RERANKED`.
        probability: that each is the same image as the query, where that was asked for.
    """

    dist: list[float]
    result: list[str]
    version: int
    sha256: str
    generation: int
    unindexed: int
    seqs: list[int]
    score: list[float | None] | None = None
    probability: list[float | None] | None = None


@dataclass(frozen=True)
class Finder:
    """Finds the nearest images of a view."""

    identification: Identification
    fields: LiveFields
    models: ModelRegistry
    prepared: PreparedFilters = field(default_factory=PreparedFilters)

    def around(
        self,
        view: View,
        query: NDArray[np.float32],
        request: SearchRequest,
        itself: int | None = None,
    ) -> Neighbours:
        """Does for a query, float32 [D], what `around_each` does for many."""
        return self.around_each(view, query[None], [itself], request)[0]

    def around_each(
        self,
        view: View,
        queries: NDArray[np.float32],
        own_seqs: Sequence[int | None],
        request: SearchRequest,
    ) -> list[Neighbours]:
        """Finds the images nearest to each query, with one look at what is recent and one into the
        catalogue.

        Args:
            queries: float32 [n, D] of norm 1, by the view's model.
            own_seqs: the sequence number of each that is a stored image, and is left out; else
                None.
        Raises:
            WrongArguments: the model has no such keyword as the filter names.
            FeaturesUnavailable, ModelRefused: the repository lacks the names of keywords.
            IndexAhead, IndexDamaged, NoIndex, CatalogueUnavailable.
        """
        wanted = self._wanted(view, request)
        seen = self.identification.of(
            view, lambda view, gone: _rank(view, queries, own_seqs, request, gone, wanted)
        )
        with timings.stage("search"):
            return [
                _neighbours(seen.view, query, _there(found, seen.ids), seen.ids, request)
                for query, found in zip(queries, seen.found, strict=True)
            ]

    def _wanted(self, view: View, request: SearchRequest) -> Wanted | None:
        """Returns what the images have to meet, if anything, by their fields as they are now."""
        if request.wanted is None:
            return None

        def labels_of(names: tuple[str, ...]) -> list[int]:
            return numbers_of(names, self.models.labels_by(view.sha256), view.version)

        names = Names(self.identification.images.seqs_of, labels_of)
        now = self.fields.now(view.generation)
        return Wanted(request.wanted, now, names, self.prepared)


def _rank(
    view: View,
    queries: NDArray[np.float32],
    own_seqs: Sequence[int | None],
    request: SearchRequest,
    excluded: ExcludeIds | None,
    wanted: Wanted | None,
) -> list[Found]:
    """Ranks what a generation holds and what came since together, by exact distances."""
    parts: list[list[Found]] = []
    if view.generation is not None and wanted is None:
        parts.append(rank_each(view.generation, queries, own_seqs, request, excluded))
    elif view.generation is not None and wanted is not None:
        matching = wanted.of_generation(view.generation, excluded)
        each = zip(queries, own_seqs, strict=True)
        parts.append([matching.nearest(query, request, own) for query, own in each])
    if view.recent:
        may, recent = wanted.of_recent if wanted else None, view.recent
        each = zip(queries, own_seqs, strict=True)
        parts.append([recent.nearest(query, request.depth, own, may) for query, own in each])
    return [_joined(found, request) for found in zip(*parts, strict=True)]


def _joined(parts: Sequence[Found], request: SearchRequest) -> Found:
    seqs, dist = (np.concatenate(each) for each in zip(*parts, strict=True))
    return the_nearest(seqs, dist, request)


def _there(found: Found, ids: dict[int, str]) -> Found:
    """Returns what was found, without what is gone."""
    there = np.array([seq in ids for seq in found[0].tolist()], np.bool_)
    return found[0][there], found[1][there]


def _neighbours(
    view: View,
    query: NDArray[np.float32],
    found: Found,
    ids: dict[int, str],
    request: SearchRequest,
) -> Neighbours:
    """Returns what was found in its order, as far as it was asked for."""
    (seqs, dist), score = found, None
    if request.similar:
        places, score = _by_score(view, query, seqs)
        seqs, dist = seqs[places], dist[places]
    first = request.offset or 0
    page = slice(first, first + request.num_results)
    return Neighbours(
        dist[page].tolist(),
        [ids[seq] for seq in seqs[page].tolist()],
        view.version,
        view.sha256,
        view.number,
        view.unindexed,
        seqs[page].tolist(),
        score and score[page],
    )


def _by_score(
    view: View, query: NDArray[np.float32], seqs: NDArray[np.int64]
) -> tuple[NDArray[np.intp], list[float | None]]:
    """Returns the places of neighbours, nearest first, in the order of their scores, and these."""
    scored = scores(query, view.features(seqs[:RERANKED]))
    first, others = order(scored), np.arange(len(scored), len(seqs))
    return np.concatenate([first, others]), [*scored[first].tolist(), *[None] * len(others)]
