"""The table of calls says for each path how whoever calls is treated."""

from pathlib import Path

import falcon
import pytest
from falcon.testing import TestClient

from sidecar.http.app import create_app
from sidecar.http.error_handlers import add_error_handlers
from sidecar.http.guards.concurrency_limit import ConcurrencyLimit
from sidecar.http.route import OPEN, Route, Routes
from sidecar.settings import from_environment


class Calls:
    """Calls another path while it is called itself, as a second client would."""

    def __init__(self, other: str) -> None:
        self.client: TestClient | None = None
        self.other = other
        self.seen: list[int] = []

    def on_get(self, req: falcon.Request, resp: falcon.Response, **_: str) -> None:
        if self.client is not None:
            self.seen.append(self.client.simulate_get(self.other).status_code)
        resp.media = {}


ROUTES = Routes(
    Route("/add", Calls(""), "write"),
    Route("/batch", Calls(""), "write", may_take_long=True),
    Route("/images/{image_id}", Calls(""), "read"),
    Route("/live", Calls(""), OPEN, may_be_shed=False),
)


def test_a_call_is_known_by_its_path_alone() -> None:
    assert [ROUTES.may_take_long(path) for path in ("/batch", "/batch/", "/add")] == [True, 0, 0]
    assert [ROUTES.may_be_shed(path) for path in ("/live", "/live/", "/add")] == [False, 1, 1]


def test_what_nobody_answers_is_shed_and_hurried_like_any_other_call() -> None:
    for path in ("/nowhere", "/images/7", "/", ""):
        assert ROUTES.may_be_shed(path)
        assert not ROUTES.may_take_long(path)


def test_a_scope_belongs_to_the_template_of_a_call() -> None:
    assert ROUTES.scope("/images/{image_id}") == "read"
    with pytest.raises(KeyError):
        ROUTES.scope("/images/7")


@pytest.mark.parametrize(("other", "status"), [("/add", 503), ("/nowhere", 503), ("/live", 200)])
def test_beyond_the_limit_only_those_who_watch_are_let_in(other: str, status: int) -> None:
    busy = Calls(other)
    routes = Routes(*ROUTES, Route("/busy", busy, "read"))
    app = falcon.App(middleware=[ConcurrencyLimit(1, routes)])
    for route in routes:
        app.add_route(route.path, route.resource)
    add_error_handlers(app)
    busy.client = TestClient(app)
    assert busy.client.simulate_get("/busy").status_code == 200
    assert busy.seen == [status]
    busy.other = "/live"
    assert busy.client.simulate_get("/busy").status_code == 200  # there is room again


def test_only_a_batch_may_take_long_and_only_those_who_watch_are_never_shed(
    tmp_path: Path,
) -> None:
    routes = create_app(from_environment(data_dir=tmp_path)).routes
    assert [route.path for route in routes if route.may_take_long] == [
        "/similarity/add_batch",
        "/similarity/search_batch",
    ]
    watched = {route.path for route in routes if not route.may_be_shed}
    assert watched == {"/metrics", "/health/live", "/health/ready"}
    opened = {route.path for route in routes if route.scope == OPEN}
    assert opened == watched - {"/metrics"} | {"/openapi.json"}
