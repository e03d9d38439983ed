"""The resource that searches with many images."""

from itertools import chain
from typing import Any

import falcon

from sidecar.errors import SimilarityError
from sidecar.http.error_handlers import failure
from sidecar.http.ndjson import SpooledLines
from sidecar.http.reading.batch_uploads import BatchReader
from sidecar.http.reading.boxes import BOX, box
from sidecar.http.reading.json_body import read_list, text_of
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.multipart import Body, is_form
from sidecar.http.reading.search_params import MAX_DIST, ORDER
from sidecar.http.resources.search import SearchResource
from sidecar.images import archives
from sidecar.search.batch import Outcome, SearchBatch

EXAMPLE = '["cat-1", "dog-1"]'


class SearchBatchResource:
    """Searches with many images: POST /similarity/search_batch.

    The body is a list of ids in JSON, or files as those of add_batch.
    """

    def __init__(self, batch: SearchBatch, reader: BatchReader, search: SearchResource) -> None:
        self._batch = batch
        self._reader = reader
        self._search = search

    @takes("num_results", "nprob", MAX_DIST, "filter", ORDER, BOX, body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        head = b"" if is_form(req) else Body(req).read(archives.MAGIC_BYTES)
        if is_form(req) or archives.is_archive(head):
            self._by_files(req, resp, head)
        else:
            self._by_ids(req, resp, head)

    def _by_ids(self, req: falcon.Request, resp: falcon.Response, head: bytes) -> None:
        entries = read_list(req, EXAMPLE, head)
        image_ids = [text_of(each, place) for place, each in enumerate(entries)]
        lines = SpooledLines(self._reader.folder)
        for outcome in self._batch.by_ids(image_ids, self._search.request(req), box(req)):
            lines.append(_line("id", outcome))
        lines.send(resp)

    def _by_files(self, req: falcon.Request, resp: falcon.Response, head: bytes) -> None:
        files = self._reader.read(req, head)
        begun = chain([next(files)], files)  # the form's parameters come before its first file
        lines = SpooledLines(self._reader.folder)
        for outcome in self._batch.by_files(begun, self._search.request(req), box(req)):
            lines.append(_line("name", outcome))
            if lines.full is not None:
                files.close()  # no more is searched with than can be answered
        if lines.full is not None:
            lines.append(_line("name", Outcome("", lines.full)))
        lines.send(resp)


def _line(called: str, outcome: Outcome) -> dict[str, Any]:
    """Returns the line of one query in the answer."""
    found = outcome.answer
    if isinstance(found, SimilarityError):
        return {**failure(found), called: outcome.name, "dist": [], "result": []}
    line = {"status": "ok", called: outcome.name, "dist": found.dist, "result": found.result}
    return line if found.score is None else {**line, "score": found.score}
