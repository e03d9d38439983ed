"""The queries of a batch: what each asks with, and its features, made side by side."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidecar.bytes_in_flight import Window
from sidecar.errors import FeaturesUnavailable, SimilarityError
from sidecar.images import Box, File, part
from sidecar.models import lanes
from sidecar.models.registry import ModelRegistry
from sidecar.search.example import Example, Examples, Found
from sidecar.search.view import View, Views
from sidecar.telemetry import request_ids

log = logging.getLogger(__name__)

AT_ONCE = 32  # images of a process: enough to fill Triton's batches
WINDOW_BYTES = 64 << 20  # of uploads, in all batches of a process

Row = NDArray[np.float32]  # [D]
Made = tuple[Found, Row] | SimilarityError


@dataclass(frozen=True)
class Query:
    """A query of a batch.

    Args:
        name: the id, or the name of the file.
        asked: what it asks with, or why it can't.
        made: its features by a version and its SHA-256, once they were made.
    """

    name: str
    asked: Example | SimilarityError
    made: dict[tuple[int, str], Row] = field(default_factory=dict)


class BatchQueries:
    """Makes the features of queries, in threads that `close` ends."""

    def __init__(self, examples: Examples, models: ModelRegistry, views: Views) -> None:
        self._examples = examples
        self._models = models
        self._views = views
        self._threads = ThreadPoolExecutor(AT_ONCE, "search-batch")
        self._window = Window(WINDOW_BYTES)

    def close(self) -> None:
        """Ends the threads; what has not begun is not done."""
        self._threads.shutdown(cancel_futures=True)

    def begin(self, file: File, box: Box | None) -> Future[Query]:
        """Begins with a file, by the model that is searched by now; waits while too many bytes are
        in work."""
        size_bytes = len(file.content) if isinstance(file.content, bytes) else 0
        self._window.enter(size_bytes)
        return self._threads.submit(self._of_file, file, box, size_bytes, request_ids.current())

    def features(self, queries: Sequence[Query], view: View) -> list[Made]:
        """Returns what there is of each query with its features by the model of a view, or why
        there are none. Stored ones are looked up at one moment."""
        asked = [each.asked for each in queries if isinstance(each.asked, Example)]
        key = self._models.key_of(view.sha256)
        looked_up = iter(self._examples.each(asked, key))
        found = [
            next(looked_up) if isinstance(each.asked, Example) else each.asked for each in queries
        ]
        request_id = request_ids.current()
        rows = [
            self._row(query, each, view, request_id)
            for query, each in zip(queries, found, strict=True)
        ]
        return [row.result() if isinstance(row, Future) else row for row in rows]

    def _row(
        self, query: Query, found: Found | SimilarityError, view: View, request_id: str
    ) -> Made | Future[Made]:
        if isinstance(found, SimilarityError):
            return found
        known = query.made.get((view.version, view.sha256)) if found.kept is None else found.kept
        if known is not None:
            return found, known
        return self._threads.submit(self._embedded, query, found, view, request_id)

    def _embedded(self, query: Query, found: Found, view: View, request_id: str) -> Made:
        request_ids.begin(request_id)
        try:
            return found, self._embed(query, found.jpeg, view)
        except SimilarityError as error:
            return error

    def _of_file(self, file: File, box: Box | None, size_bytes: int, request_id: str) -> Query:
        """Decodes a file and embeds it. Whatever happens is its outcome: the others' still have to
        come."""
        request_ids.begin(request_id)
        try:
            if isinstance(file.content, Exception):
                raise file.content
            jpeg = part(self._examples.uploaded(file.content).jpeg, box)
            query = Query(file.name, Example(jpeg=jpeg))
            with suppress(FeaturesUnavailable):  # it is asked again when it is searched with
                self._embed(query, jpeg, self._views.current())
        except SimilarityError as error:
            return Query(file.name, error)
        except Exception:
            log.exception("a query of a batch failed, request %s", request_id)
            unknown = SimilarityError("an unexpected error: see the log, under the request id")
            return Query(file.name, unknown)
        finally:
            self._window.leave(size_bytes)
        return query

    def _embed(self, query: Query, jpeg: bytes, view: View) -> Row:
        """Makes features, behind single searches: those share no call with a batch."""
        model = self._models.verified(view.version, view.sha256)
        row = query.made[view.version, view.sha256] = model.features(jpeg, lanes.BATCH)
        return row
