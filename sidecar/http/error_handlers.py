"""Answers every error with JSON and its status."""

import logging
from typing import Any

import falcon

from sidecar import errors

log = logging.getLogger(__name__)

STATUSES: dict[type[errors.SimilarityError], int] = {
    errors.WrongArguments: 400,
    errors.DataRequired: 400,
    errors.RequestBroken: 400,
    errors.MalformedRequest: 400,
    errors.ImageUnreadable: 400,
    errors.ArchiveUnreadable: 400,
    errors.KeyRequired: 401,
    errors.ScopeMissing: 403,
    errors.ForeignPage: 403,
    errors.UnknownHost: 403,
    errors.UnknownImage: 404,
    errors.NoOriginal: 404,
    errors.UnknownTask: 404,
    errors.UnknownVersion: 404,
    errors.RequestTimeout: 408,
    errors.DuplicateId: 409,
    errors.SimilarImage: 409,
    errors.TaskFinished: 409,
    errors.SwitchRefused: 409,
    errors.NoSamples: 409,
    errors.NeedMoreSamples: 409,
    errors.NoIndex: 409,
    errors.FeaturesMissing: 409,
    errors.RegionsMissing: 409,
    errors.OtherModel: 409,
    errors.ImageTooLarge: 413,
    errors.BatchTooLarge: 413,
    errors.CatalogueDamaged: 500,
    errors.RateLimited: 429,
    errors.TooBusy: 503,
    errors.BatchStopped: 503,
    errors.FeaturesUnavailable: 503,
    errors.ModelRefused: 503,
    errors.CatalogueUnavailable: 503,
    errors.PicturesStoreUnavailable: 503,
    errors.IndexDamaged: 503,
    errors.IndexEngineUnavailable: 503,
    errors.StorageFull: 507,
}
HTTP_WORDS = {404: "unknown_path", 405: "method_not_allowed"}
RETRY_AFTER_S = 2

App = falcon.App[falcon.Request, falcon.Response]


class ErrorFields:
    """Notes what a failed call answers besides the error: the `error_fields` of its resource."""

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, resource: object, _params: object
    ) -> None:
        req.context.error_fields = getattr(resource, "error_fields", {})


def add_error_handlers(app: App) -> None:
    """Makes every error an answer in JSON; none ever shows a stack trace to a client."""
    app.add_error_handler(Exception, _unknown)
    app.add_error_handler(falcon.HTTPError, _http)
    app.add_error_handler(errors.SimilarityError, _known)


def failure(error: errors.SimilarityError) -> dict[str, Any]:
    """Returns an error as clients see it."""
    answer = {"status": "error", "message": error.word, "detail": str(error)}
    if isinstance(error, errors.DuplicateId):
        return answer | {"identical": error.identical}
    if isinstance(error, errors.SimilarImage):
        found = {"id": error.image_id, "dist": error.dist, "probability": error.probability}
        return answer | {"similar_to": found}
    return answer


def _known(
    req: falcon.Request, resp: falcon.Response, error: errors.SimilarityError, _params: object
) -> None:
    status = next((STATUSES[kind] for kind in type(error).mro() if kind in STATUSES), 500)
    _answer(req, resp, status, failure(error))
    if isinstance(error, errors.RateLimited):
        resp.set_header("Retry-After", str(error.retry_after_s))


def _http(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: object
) -> None:
    word = HTTP_WORDS.get(error.status_code, errors.WrongArguments.word)
    for name, value in dict(error.headers or {}).items():
        resp.set_header(name, value)
    detail = error.description or f"{error.title}: {req.method} {_path(req)}"
    answer = {"status": "error", "message": word, "detail": detail}
    _answer(req, resp, error.status_code, answer)


def _path(req: falcon.Request) -> str:
    """Returns the path as the client sent it, before a trusted proxy took its prefix away."""
    return getattr(req.context, "prefix", "") + req.path


def _unknown(req: falcon.Request, resp: falcon.Response, error: Exception, _params: object) -> None:
    log.error("request %s failed", req.context.request_id, exc_info=error)
    shown = errors.SimilarityError("an unexpected error: see the log, under the request id")
    _answer(req, resp, 500, failure(shown) | {"request_id": req.context.request_id})


def _answer(
    req: falcon.Request, resp: falcon.Response, status: int, answer: dict[str, Any]
) -> None:
    resp.status = falcon.code_to_http_status(status)
    if status == falcon.HTTPServiceUnavailable().status_code:
        resp.set_header("Retry-After", str(RETRY_AFTER_S))
    if status == falcon.HTTPUnauthorized().status_code:
        resp.set_header("WWW-Authenticate", "Bearer")
    resp.media = {**getattr(req.context, "error_fields", {}), **answer}
