"""A request over a limit is answered with the limit, its unit and its setting."""

from pathlib import Path

import falcon
import pytest
from falcon import testing
from falcon.testing import TestClient

from sidecar.errors import BatchTooLarge, ImageTooLarge, TooBusy
from sidecar.http.batch_uploads import BatchReader
from sidecar.http.concurrency_limit import ConcurrencyLimit
from sidecar.http.error_handlers import add_error_handlers
from sidecar.http.route import Routes
from sidecar.http.uploads import ImageReader
from sidecar.images.members import BatchRules

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
