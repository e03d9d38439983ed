"""A request over a limit is answered with the limit, its unit and its setting."""

import socket
import time
from pathlib import Path

import falcon
import pytest
from falcon import testing
from falcon.testing import TestClient
from gunicorn.http.body import LengthReader

from sidecar.errors import BatchTooLarge, ImageTooLarge, RequestTimeout, TooBusy
from sidecar.http.error_handlers import add_error_handlers
from sidecar.http.guards.concurrency_limit import ConcurrencyLimit
from sidecar.http.reading.batch_uploads import BatchReader
from sidecar.http.reading.uploads import ImageReader
from sidecar.http.route import Routes
from sidecar.http.transport.body import RequestBody
from sidecar.http.transport.inbox import Inbox
from sidecar.images.archives.members import BatchRules

MEBIBYTE = 1 << 20
KIND = {"Content-Type": "multipart/form-data; boundary=cut"}


def request(length: int) -> falcon.Request:
    return testing.create_req(method="POST", headers=KIND | {"Content-Length": str(length)})


def test_an_image_too_large_names_max_image_bytes() -> None:
    with pytest.raises(ImageTooLarge, match=r"larger than 32 MiB \(MAX_IMAGE_BYTES\)"):
        ImageReader(32 * MEBIBYTE).read(request(33 * MEBIBYTE))


def test_a_batch_too_large_names_max_batch_bytes(tmp_path: Path) -> None:
    reader = BatchReader(BatchRules(MEBIBYTE, 1 << 34, max_files=100), tmp_path)
    with pytest.raises(BatchTooLarge, match=r"larger than 16 GiB \(MAX_BATCH_BYTES\)"):
        next(reader.read(request((1 << 34) + 1)))


def test_a_process_too_busy_names_http_threads() -> None:
    app = falcon.App(middleware=[ConcurrencyLimit(0, Routes())])
    add_error_handlers(app)
    answer = TestClient(app).simulate_get("/")
    assert (answer.status_code, answer.json["message"]) == (503, TooBusy.word)
    assert "(HTTP_THREADS)" in answer.json["detail"]


def test_a_body_that_is_late_counts_as_none_that_is_still_arriving() -> None:
    """It is answered 408, however many others are late at the same moment."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        inbox = Inbox(ours, timeout_s=10.0)
        body = RequestBody(LengthReader(inbox, 10), inbox, asks=False)
        for deadline, waits_for_nobody in (
            (None, False),
            (time.monotonic() + 60, False),
            (0, True),
        ):
            inbox.deadline = deadline
            assert body.waits_for_nobody == waits_for_nobody
        with pytest.raises(RequestTimeout):
            body.read(10)
        inbox.deadline = time.monotonic() + 60
        theirs.sendall(b"0123456789")
        assert body.collect(10.0)
        assert body.waits_for_nobody
