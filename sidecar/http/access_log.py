"""What every request passes: it gets an id, is counted, and has one line in the log."""

import logging
import time
import uuid

import falcon

from sidecar.telemetry import counters, request_ids, timings

log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-Id"
LONGEST_REQUEST_ID = 64
UNKNOWN = "unknown"
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
