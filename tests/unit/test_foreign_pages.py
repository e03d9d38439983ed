"""What a web page of another site can't do with a service on its reader's machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import TestClient

from sidecar.errors import SettingsError
from sidecar.http.app import Sidecar
from sidecar.http.guards.api_keys import ADMIN, WRITE
from sidecar.settings import from_environment
from tests.support.local_client import sidecar

ORIGIN = "https://shop.example"
FOREIGN = ("cross-site", "same-site")
OWN = ("same-origin", "none")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with sidecar(tmp_path_factory.mktemp("data")) as client:
        yield client


def word(answer: Any) -> str | None:
    return None if answer.status_code != 403 else answer.json["message"]


def changes(client: TestClient) -> list[tuple[str, str]]:
    """Each method of a call that changes something, with its path."""
    assert isinstance(client.app, Sidecar)
    return [
        (method, route.path.format(image_id="nobody", task_id="none"))
        for route in client.app.routes
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if hasattr(route.resource, f"on_{method.lower()}")
        and (route.scope in (WRITE, ADMIN) or method in ("PUT", "PATCH", "DELETE"))
    ]


@pytest.mark.parametrize("site", FOREIGN)
def test_no_page_of_another_site_changes_anything(client: TestClient, site: str) -> None:
    found = changes(client)
    assert {"GET", "POST", "PUT", "PATCH", "DELETE"} == {method for method, _ in found}
    for method, path in found:
        answer = client.simulate_request(method, path, headers={"Sec-Fetch-Site": site})
        assert word(answer) == "foreign_page", (method, path)


def test_reading_is_left_to_the_rules_of_browsers(client: TestClient) -> None:
    for path in ("/similarity/images", "/similarity/tasks", "/health/live"):
        answer = client.simulate_get(path, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200


@pytest.mark.parametrize("site", [*OWN, None])
def test_the_own_page_an_address_typed_in_and_a_program_may_change(
    client: TestClient, site: str | None
) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    answer = client.simulate_delete("/similarity/images/nobody", headers=headers)
    assert answer.json["message"] == "unknown_image_id"


@pytest.mark.parametrize("origins", [ORIGIN, "*"])
def test_a_page_of_an_origin_that_may_call_may_change(tmp_path: Path, origins: str) -> None:
    with sidecar(tmp_path, cors_origins=origins) as client:
        headers = {"Sec-Fetch-Site": "cross-site", "Origin": ORIGIN}
        answer = client.simulate_delete("/similarity/images/nobody", headers=headers)
        assert answer.json["message"] == "unknown_image_id"
        assert answer.headers["Access-Control-Allow-Origin"] in (ORIGIN, "*")
        headers["Origin"] = "https://other.example"
        answer = client.simulate_delete("/similarity/images/nobody", headers=headers)
        assert (word(answer) == "foreign_page") == (origins != "*")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:5000",
        "similarity.localhost",
        "127.0.0.1:5000",
        "[::1]:5000",
        "192.0.2.7",
    ],
)
def test_this_machines_own_names_and_addresses_are_answered(client: TestClient, host: str) -> None:
    assert client.simulate_get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example"],
)
def test_a_name_that_leads_here_is_not_the_services(client: TestClient, host: str) -> None:
    for path in ("/health/live", "/similarity/images", "/ui/", "/nowhere"):
        assert word(client.simulate_get(path, headers={"Host": host})) == "unknown_host"


def test_a_service_for_others_takes_any_name_until_it_has_names(tmp_path: Path) -> None:
    (tmp_path / "any").mkdir()
    with sidecar(tmp_path / "any", host="0.0.0.0") as client:
        for name in ("sidecar", "photos.example"):
            assert word(client.simulate_get("/health/live", headers={"Host": name})) is None
    (tmp_path / "named").mkdir()
    with sidecar(
        tmp_path / "named", host="0.0.0.0", host_names="photos.example, sidecar"
    ) as client:
        for name, refused in (
            ("Photos.example:80", False),
            ("sidecar", False),
            ("evil.example", True),
        ):
            answer = client.simulate_get("/health/live", headers={"Host": name})
            assert (word(answer) == "unknown_host") == refused


@pytest.mark.parametrize("names", ["a b", "https://a.example", "a,,b", "*"])
def test_names_that_are_none_are_refused_at_the_start(names: str) -> None:
    with pytest.raises(SettingsError, match="HOST_NAMES"):
        from_environment(host_names=names)
