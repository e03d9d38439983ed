"""What a client gets when something goes wrong, and what the log tells of every request."""

import json
import logging
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon

from sidecar import errors, request_ids, timings
from sidecar.metrics import counters

log = logging.getLogger(__name__)

STATUSES: dict[type[errors.SimilarityError], int] = {
    errors.WrongArguments: 400,
    errors.DataRequired: 400,
    errors.ImageUnreadable: 400,
    errors.ArchiveUnreadable: 400,
    errors.KeyRequired: 401,
    errors.ScopeMissing: 403,
    errors.UnknownImage: 404,
    errors.NoOriginal: 404,
    errors.UnknownTask: 404,
    errors.UnknownVersion: 404,
    errors.RequestTimeout: 408,
    errors.DuplicateId: 409,
    errors.TaskFinished: 409,
    errors.SwitchRefused: 409,
    errors.NoSamples: 409,
    errors.NeedMoreSamples: 409,
    errors.NoIndex: 409,
    errors.FeaturesMissing: 409,
    errors.ImageTooLarge: 413,
    errors.BatchTooLarge: 413,
    errors.CatalogueDamaged: 500,
    errors.TooBusy: 503,
    errors.FeaturesUnavailable: 503,
    errors.ModelRefused: 503,
    errors.CatalogueUnavailable: 503,
    errors.IndexDamaged: 503,
    errors.StorageFull: 507,
}
UNKNOWN = "unknown"
HTTP_WORDS = {404: "unknown_path", 405: "method_not_allowed"}
RETRY_AFTER_S = 2
# An answer is data: no browser shall guess another type, run it, show it in a frame or keep it.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
REQUEST_ID = "X-Request-Id"
LONGEST_REQUEST_ID = 64
MOST_IN_MEMORY = 1 << 20  # bytes of an answer
PIECE_BYTES = 1 << 16

App = falcon.App[falcon.Request, falcon.Response]


class RequestLog:
    """Gives each request an id, which the client may choose, and one line in the log."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        given = req.get_header(REQUEST_ID) or ""
        usable = given.isascii() and given.isprintable() and len(given) <= LONGEST_REQUEST_ID
        req.context.request_id = given if given and usable else uuid.uuid4().hex
        req.context.began = time.perf_counter()
        request_ids.begin(req.context.request_id)
        timings.begin()
        counters.request_begins()
        resp.set_headers(HEADERS | {REQUEST_ID: req.context.request_id})

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _succeeded: bool
    ) -> None:
        took_s, stages = time.perf_counter() - req.context.began, timings.stages()
        route, status = req.uri_template or UNKNOWN, resp.status_code
        resp.set_header("Server-Timing", timings.header(took_s))
        counters.request_ends(_method(req), route, status, took_s, stages)
        path = req.path.encode("unicode_escape").decode()  # a line is a line
        told = {
            "method": req.method,
            "path": path,
            "route": route,
            "status": status,
            "duration_ms": round(1000 * took_s, 1),
            "stages_ms": {name: round(1000 * seconds, 1) for name, seconds in stages.items()},
            "bytes": req.content_length,
            "client": req.remote_addr,
            "key": getattr(req.context, "key", None),
        }
        log.info("%s %s %d %.1f ms", req.method, path, status, 1000 * took_s, extra=told)
        request_ids.begin("")


def _method(req: falcon.Request) -> str:
    """Of the known ones, so that there are only so many."""
    return req.method if req.method in falcon.HTTP_METHODS else UNKNOWN


class SpooledLines:
    """An NDJSON answer that is kept until all of it is there, on the disk where it is long.

    Most clients read nothing before they have sent everything, so that an answer that began earlier
    would in the end hold up both sides.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY, dir=str(folder))  # noqa: SIM115

    def append(self, line: dict[str, Any]) -> None:
        """Raises StorageFull."""
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise errors.StorageFull(f"no room for the answer: {error}") from error

    def send(self, resp: falcon.Response) -> None:
        resp.content_type = "application/x-ndjson"
        resp.content_length = self._file.tell()
        self._file.seek(0)
        resp.stream = self

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Called by the server when the answer is sent, or its client is gone."""
        self._file.close()


def add_error_handlers(app: App) -> None:
    """Every error becomes JSON; none ever shows a stack trace to a client."""
    app.add_error_handler(Exception, _unknown)
    app.add_error_handler(falcon.HTTPError, _http)
    app.add_error_handler(errors.SimilarityError, _known)


def failure(error: errors.SimilarityError) -> dict[str, Any]:
    """An error as clients see it."""
    answer = {"status": "error", "message": error.word, "detail": str(error)}
    if isinstance(error, errors.DuplicateId):
        return answer | {"identical": error.identical}
    return answer


def _known(
    req: falcon.Request, resp: falcon.Response, error: errors.SimilarityError, _params: object
) -> None:
    status = next((STATUSES[kind] for kind in type(error).mro() if kind in STATUSES), 500)
    _answer(req, resp, status, failure(error))


def _http(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: object
) -> None:
    word = HTTP_WORDS.get(error.status_code, errors.WrongArguments.word)
    for name, value in dict(error.headers or {}).items():
        resp.set_header(name, value)
    detail = error.description or f"{error.title}: {req.method} {req.path}"
    answer = {"status": "error", "message": word, "detail": detail}
    _answer(req, resp, error.status_code, answer)


def _unknown(req: falcon.Request, resp: falcon.Response, error: Exception, _params: object) -> None:
    log.error("request %s failed", req.context.request_id, exc_info=error)
    told = errors.SimilarityError("an unexpected error; the log has it under the request id")
    _answer(req, resp, 500, failure(told) | {"request_id": req.context.request_id})


def _answer(
    req: falcon.Request, resp: falcon.Response, status: int, answer: dict[str, Any]
) -> None:
    resp.status = falcon.code_to_http_status(status)
    if status == falcon.HTTPServiceUnavailable().status_code:
        resp.set_header("Retry-After", str(RETRY_AFTER_S))
    if status == falcon.HTTPUnauthorized().status_code:
        resp.set_header("WWW-Authenticate", "Bearer")
    resp.media = getattr(req.context, "failed", {}) | answer
