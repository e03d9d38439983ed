"""What becomes of errors that nobody foresaw, and of those that need a whole disk to provoke."""

import falcon
import pytest
from falcon import testing

from sidecar.errors import SimilarityError, StorageFull
from sidecar.http.access_log import AccessLog
from sidecar.http.error_handlers import STATUSES, add_error_handlers


class Failing:
    """A resource that always fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        raise self._error


def answer(error: Exception) -> testing.Result:
    app = falcon.App(middleware=[AccessLog()])
    app.add_route("/", Failing(error))
    add_error_handlers(app)
    return testing.TestClient(app).simulate_get("/", headers={"X-Request-Id": "r-1"})


def test_an_unknown_error_is_a_500_with_the_request_id_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    got = answer(ZeroDivisionError("secret detail"))
    assert got.status_code == 500
    assert got.json["message"] == "unknown_error"
    assert got.json["request_id"] == got.headers["X-Request-Id"] == "r-1"
    assert "secret" not in got.text
    assert "r-1" in caplog.text
    assert "secret detail" in caplog.text


def test_a_full_volume_is_a_507() -> None:
    got = answer(StorageFull("no room"))
    assert (got.status_code, got.json["message"]) == (507, "storage_full")


@pytest.mark.parametrize("kind", [kind for kind, status in STATUSES.items() if status == 503])
def test_what_may_pass_says_when_to_try_again(kind: type[SimilarityError]) -> None:
    assert int(answer(kind("away")).headers["Retry-After"]) > 0
