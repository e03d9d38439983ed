"""From the features of queries to ids: what a view holds is ranked, until each has an id."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidecar.index import LiveFields, Names, SearchRequest
from sidecar.index.ann import ExcludeIds
from sidecar.index.request import Found
from sidecar.models.keywords import numbers_of
from sidecar.models.registry import ModelRegistry
from sidecar.search.identification import Identification
from sidecar.search.likeness import around, constants_of, likeness_of
from sidecar.search.neighbours import Neighbours, neighbours_of
from sidecar.search.prepared import PreparedFilters
from sidecar.search.ranked import ranked_each, some_of
from sidecar.search.view import View
from sidecar.search.wanted import Wanted
from sidecar.telemetry import timings


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
        apart = request.likely and wanted is not None  # its ten nearest may not be among the wanted

        def look(view: View, gone: ExcludeIds | None) -> list[Found]:
            found = ranked_each(view, queries, own_seqs, request, gone, wanted)
            if not apart:
                return found
            near = ranked_each(view, queries, own_seqs, around(request.nprob), gone, None)
            return [*found, *near]

        constants = constants_of(self.models, view.sha256) if request.likely else None
        seen = self.identification.of(view, look)
        with timings.stage("search"):
            found = [_there(each, seen.ids) for each in seen.found]
            nearest = found[-len(queries) :]  # of all images
            return [
                neighbours_of(
                    *(seen.view, query, each, seen.ids, request),
                    None if constants is None else likeness_of(near[1], constants),
                )
                for query, each, near in zip(queries, found, nearest, strict=False)
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


def _there(found: Found, ids: dict[int, str]) -> Found:
    """Returns what was found, without what is gone."""
    return some_of(found, np.array([seq in ids for seq in found[0].tolist()], np.bool_))
