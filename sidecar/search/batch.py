"""Searches with many images of one request, which share their way through Triton, index and
catalogue."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

import numpy as np

from sidecar.errors import FeaturesUnavailable, SimilarityError, WrongArguments
from sidecar.images import Box, File, ids
from sidecar.index import SearchRequest
from sidecar.search.batch_queries import BatchQueries, Query
from sidecar.search.by_image import Search
from sidecar.search.example import Example
from sidecar.search.neighbours import Neighbours
from sidecar.search.view import View

BLOCK = 64  # queries that are looked up and ranked in one pass
AHEAD = 64  # uploads that are embedded while others are ranked

Answer = Neighbours | SimilarityError


@dataclass(frozen=True)
class Outcome:
    """The outcome of a query: its id or the name of its file, and what was found, or its error."""

    name: str
    answer: Answer


@dataclass(frozen=True)
class SearchBatch:
    """Searches with many images, stored or uploaded."""

    search: Search
    queries: BatchQueries

    def by_ids(
        self, image_ids: Iterable[str], request: SearchRequest, box: Box | None = None
    ) -> Iterator[Outcome]:
        """Searches with stored images, each left out of its own answer.

        Args:
            box: the part of each that counts; None is the whole image.
        Yields:
            an outcome for each, in their order; one that fails leaves the others alone.
        Raises:
            NoIndex, IndexDamaged, CatalogueUnavailable: before the first.
        """
        self.search.views.current()
        queries = (Query(image_id, _stored(image_id, box)) for image_id in image_ids)
        while block := list(islice(queries, BLOCK)):
            yield from self._outcomes(block, request)

    def by_files(
        self, files: Iterable[File], request: SearchRequest, box: Box | None = None
    ) -> Iterator[Outcome]:
        """Searches with uploads as they come; as `by_ids`."""
        self.search.views.current()
        begun: deque[Future[Query]] = deque()
        for file in files:
            if len(begun) == AHEAD + BLOCK:
                block = [begun.popleft().result() for _ in range(BLOCK)]
                yield from self._outcomes(block, request)
            begun.append(self.queries.begin(file, box))
            del file  # not held while the next one is read
        while begun:
            block = [begun.popleft().result() for _ in range(min(BLOCK, len(begun)))]
            yield from self._outcomes(block, request)

    def _outcomes(self, block: Sequence[Query], request: SearchRequest) -> list[Outcome]:
        """Searches with a block of queries; what goes wrong with the search itself is the error of
        each that has none of its own."""
        answers: Sequence[Answer]
        try:
            answers = self.search.in_an_intact_generation(
                lambda view: self._answers(view, block, request)
            )
        except SimilarityError as error:
            own = [query.asked for query in block]
            answers = [each if isinstance(each, SimilarityError) else error for each in own]
        return [Outcome(query.name, each) for query, each in zip(block, answers, strict=True)]

    def _answers(self, view: View, block: Sequence[Query], request: SearchRequest) -> list[Answer]:
        made = self.queries.features(block, view)
        away = [each for each in made if isinstance(each, FeaturesUnavailable)]
        if away and self.search.views.current().generation is not view.generation:
            raise away[0]  # the model has left Triton, and there is a generation of another
        sound = [each for each in made if not isinstance(each, SimilarityError)]
        if not sound:
            return [each for each in made if isinstance(each, SimilarityError)]
        rows = np.stack([row for _, row in sound])
        own = [found.stored.seq if found.stored else None for found, _ in sound]
        found = iter(self.search.finder.around_each(view, rows, own, request))
        return [each if isinstance(each, SimilarityError) else next(found) for each in made]


def _stored(image_id: str, box: Box | None) -> Example | SimilarityError:
    try:
        return Example(id=ids.known(image_id), box=box)
    except WrongArguments as error:
        return error
