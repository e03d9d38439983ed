"""Gives every request an id, counts it, and writes its line into the log."""

import logging
import time
import uuid
from typing import Any

import falcon

from sidecar.telemetry import counters, request_ids, timings

log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-Id"
LONGEST_REQUEST_ID = 64  # characters
# An answer is data: no browser shall guess another type, run it, show it in a frame or keep it.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


class AccessLog:
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
        if not hasattr(req.context, "began"):  # Falcon refuses some methods before any middleware
            self.process_request(req, resp)
        took_s, stages = time.perf_counter() - req.context.began, timings.stages()
        resp.set_header("Server-Timing", timings.header(took_s))
        route = req.uri_template or counters.UNKNOWN
        counters.request_ends(_method(req), route, resp.status_code, took_s, stages)
        fields = _fields(req, resp.status_code, took_s, stages)
        words = req.method, fields["path"], resp.status_code, 1000 * took_s
        log.info("%s %s %d %.1f ms", *words, extra=fields)
        request_ids.begin("")


def _fields(
    req: falcon.Request, status: int, took_s: float, stages: dict[str, float]
) -> dict[str, Any]:
    """Returns what a line in the log says of a request, by the names of its JSON form."""
    path = getattr(req.context, "prefix", "") + req.path
    return {
        "method": req.method,
        "path": path.encode("unicode_escape").decode(),  # no line break gets into a line
        "route": req.uri_template or counters.UNKNOWN,
        "status": status,
        "duration_ms": round(1000 * took_s, 1),
        "stages_ms": {name: round(1000 * seconds, 1) for name, seconds in stages.items()},
        "bytes": req.content_length,
        "client": getattr(req.context, "client", req.remote_addr),
        "key": getattr(req.context, "key", None),
    }


def _method(req: falcon.Request) -> str:
    """Returns the method if HTTP defines it: a client can't add label values to the metrics."""
    return req.method if req.method in falcon.HTTP_METHODS else counters.UNKNOWN
