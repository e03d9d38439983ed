"""Answers in our form what gunicorn finds to be no request, and would answer in HTML."""

import json
import logging
import socket
import uuid
from contextlib import suppress

from gunicorn.http import errors as http

from sidecar.errors import MalformedRequest, SimilarityError
from sidecar.http.access_log import HEADERS, REQUEST_ID
from sidecar.telemetry import counters, request_ids

log = logging.getLogger(__name__)

STATUSES: dict[type[Exception], tuple[int, str]] = {
    http.LimitRequestLine: (414, "URI Too Long"),
    http.ExpectationFailed: (417, "Expectation Failed"),
    http.LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    http.UnsupportedTransferCoding: (501, "Not Implemented"),
    # A header SCRIPT_NAME that its path does not begin with: gunicorn takes it for our mistake.
    http.ConfigurationProblem: (400, "Bad Request"),
}


def refuse(sock: socket.socket, address: str, error: Exception, parsed: bool) -> None:
    """Answers a request that can't be read, counts it, and logs a line.

    Args:
        address: the client's.
        error: gunicorn's of the request; any other is a mistake of ours, with a trace in the log.
        parsed: whether the error came after the head had been understood.
    """
    theirs = http.ConfigurationProblem if parsed else http.ParseException
    ours = not isinstance(error, theirs)
    default = (500, "Internal Server Error") if ours else (400, "Bad Request")
    status, reason = STATUSES.get(type(error), default)
    request_id = uuid.uuid4().hex
    request_ids.begin(request_id)
    counters.request_malformed(status)
    fields = {"status": status, "client": address}
    if ours:
        log.error("a request failed outside of its call", exc_info=error, extra=fields)
    else:
        log.info("malformed request: %d %s", status, _printable(error), extra=fields)
    with suppress(OSError):  # the client is gone, or reads nothing
        sock.send(_answer(status, reason, request_id, _detail(ours, error)), socket.MSG_DONTWAIT)
    request_ids.begin("")


def _detail(ours: bool, error: Exception) -> SimilarityError:
    if ours:
        return SimilarityError("an unexpected error: see the log, under the request id")
    return MalformedRequest(_printable(error))


def _printable(error: Exception) -> str:
    """Returns what is wrong, on one line."""
    return str(error).encode("unicode_escape").decode()


def _answer(status: int, reason: str, request_id: str, error: SimilarityError) -> bytes:
    media = {"status": "error", "message": error.word, "detail": str(error)}
    body = json.dumps(media | {"request_id": request_id}).encode()
    headers = HEADERS | {
        REQUEST_ID: request_id,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    head = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body
