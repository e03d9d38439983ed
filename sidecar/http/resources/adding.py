"""The resources that add images."""

from dataclasses import asdict
from itertools import chain
from typing import Any

import falcon

from sidecar import fields
from sidecar.catalogue import DuplicateKind
from sidecar.errors import ScopeMissing
from sidecar.http.error_handlers import failure
from sidecar.http.guards.api_keys import READ
from sidecar.http.ndjson import SpooledLines
from sidecar.http.reading.batch_uploads import BatchReader
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import choice, flag, image_id, whole_number
from sidecar.http.reading.uploads import ImageReader
from sidecar.images.names import IdFrom
from sidecar.ingest.batch import IngestBatch, Outcome
from sidecar.ingest.similar import NewUpload, SimilarAdds
from sidecar.ingest.single import Ingest

REPORT, UNIQUE = "report_similar", "unique"
MOST_SIMILAR = 100
SAME = DuplicateKind.SAME.value


class AddResource:
    """Adds an image: POST /similarity/add?id=&overwrite=&report_similar=&unique=."""

    def __init__(self, ingest: Ingest, similar: SimilarAdds, reader: ImageReader) -> None:
        self._ingest = ingest
        self._similar = similar
        self._reader = reader

    @takes("id", "image_id", "overwrite", "metadata", REPORT, UNIQUE, body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read(req)  # its form may hold the parameters
        new = NewUpload(upload, image_id(req), flag(req, "overwrite"), _document(req))
        report, unique = _report(req), _is_unique(req)
        if report is None and not unique:
            added = self._ingest.add(new.upload, new.image_id, new.overwrite, new.document)
            resp.media = {"status": "ok", "id": added}
            return
        _check_may_read(req)
        added, near = self._similar.add(new, report or 0, unique)
        resp.media = {"status": "ok", "id": added}
        if report is not None:
            resp.media["similar"] = [asdict(each) for each in near]


class AddBatchResource:
    """Adds many images: POST /similarity/add_batch?overwrite=&id_from=."""

    def __init__(self, batch: IngestBatch, reader: BatchReader) -> None:
        self._batch = batch
        self._reader = reader

    @takes("overwrite", "id_from", body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        files = self._reader.read(req)
        begun = chain([next(files)], files)  # the form's parameters come before its first file
        overwrite = flag(req, "overwrite")
        id_from = IdFrom(choice(req, "id_from", tuple(IdFrom), IdFrom.NAME))
        lines = SpooledLines(self._reader.folder)
        for outcome in self._batch.add(begun, overwrite, id_from):
            lines.append(_outcome(outcome))
            if lines.full is not None:
                files.close()  # no more is added than can be answered
        if lines.full is not None:
            lines.append(_outcome(Outcome("", None, lines.full)))
        lines.send(resp)


def _report(req: falcon.Request) -> int | None:
    """Returns how many of the nearest stored images the answer has; None without any."""
    if req.get_param(REPORT) is None:
        return None
    return whole_number(req, REPORT, MOST_SIMILAR, 1)


def _is_unique(req: falcon.Request) -> bool:
    """Returns whether an image is refused that is stored already."""
    given = req.get_param(UNIQUE)
    return given is not None and choice(req, UNIQUE, (SAME,), "") == SAME


def _check_may_read(req: falcon.Request) -> None:
    """Raises ScopeMissing where the key of an add must not see what is stored."""
    key = getattr(req.context, "api_key", None)
    if key is not None and READ not in key.scopes:
        raise ScopeMissing(f"{REPORT} and {UNIQUE} require a key with the scope {READ}, too")


def _document(req: falcon.Request) -> str | None:
    """Returns the metadata that come with an image, as they are stored; None without any."""
    text = req.get_param("metadata")
    return None if text is None else fields.checked(fields.parsed(text))


def _outcome(outcome: Outcome) -> dict[str, Any]:
    """Returns the line of one file in the answer to a batch."""
    if outcome.error is None:
        return {"status": "ok", "id": outcome.id, "name": outcome.name}
    return {**failure(outcome.error), "name": outcome.name}
