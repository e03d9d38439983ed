"""HTTP as clients, browsers and proxies speak it: HEAD, one path, schemes, CORS, forwarding."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from falcon.testing import TestClient

from local.process import wait_until
from local.stack import ROOT
from sidecar.errors import SettingsError
from sidecar.http.app import Sidecar, create_app
from sidecar.http.guards import api_keys
from sidecar.http.guards.forwarded import Forwarded, networks
from sidecar.settings import from_environment
from tests.support.local_client import local_client, sidecar

ORIGIN = "https://shop.example"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with sidecar(tmp_path_factory.mktemp("data")) as client:
        yield client


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """The secret of a key by its scope; their file is `keys`."""
    drawn = {scope: api_keys.draw(scope, scope) for scope in api_keys.SCOPES}
    (tmp_path / "keys").write_text("".join(f"{key}\n" for _, key in drawn.values()))
    return {scope: secret for scope, (secret, _) in drawn.items()}


# -- HEAD


def test_head_answers_wherever_get_does_as_get_does_without_a_body(client: TestClient) -> None:
    assert isinstance(client.app, Sidecar)
    wait_until(lambda: client.simulate_get("/similarity/models").json["in_use"], lambda: "adopted")
    paths = {route.path: route.resource for route in client.app.routes}
    with_get = [path for path, resource in paths.items() if hasattr(resource, "on_get")]
    assert len(with_get) > 10
    for path in with_get:
        if path in ("/health/ready", "/metrics"):
            continue  # whose length changes with the time
        there = path.format(image_id="nobody", task_id="none")
        got, head = client.simulate_get(there), client.simulate_head(there)
        assert head.status_code == got.status_code != 405, path
        assert head.content == b""
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
        if path not in ("/similarity/train", "/similarity/update"):
            assert head.headers["Content-Length"] == got.headers["Content-Length"], path
    assert client.simulate_head("/similarity/add").status_code == 405


def test_the_methods_of_a_call_are_listed(client: TestClient) -> None:
    assert client.simulate_options("/similarity/search").headers["Allow"] == "GET, HEAD, POST"


def test_a_failed_download_is_no_attachment(client: TestClient) -> None:
    for name in ("nobody", "a%0D%0AX-Other%3A%20b"):
        answer = client.simulate_head(f"/similarity/images/{name}/original")
        assert answer.status_code in (400, 404)
        assert "Content-Disposition" not in answer.headers


# -- one path a call

SPELLINGS = (
    *("/metrics", "/%6detrics", "/metric%73"),
    *("/metrics/", "/metrics//", "/metrics%2f", "/metrics%2F", "/metrics/.", "/metrics%2f."),
    *("//metrics", "/./metrics", "/%2fmetrics", "/x/../metrics", "/x%2f..%2fmetrics"),
    *("/metrics;", "/metrics;a=b", "/metrics%00", "/metrics%20", "/metrics%23", "/metrics%3f"),
    *("/METRICS", "/metrics%252f", "/metrics\\", "/metrics%5c", "/similarity/../metrics"),
)


def reaches(client: TestClient, path: str) -> bool:
    """Whether a path leads to a call; every call answers OPTIONS."""
    return client.simulate_options(path).status_code == 200


def test_metrics_have_one_path_so_that_a_rule_for_it_holds(client: TestClient) -> None:
    reached = [path for path in SPELLINGS if reaches(client, path)]
    assert reached == ["/metrics", "/%6detrics", "/metric%73"]
    # What nginx compares. Source: ngx_http_core_module, "location".
    assert {unquote(path) for path in reached} == {"/metrics"}
    for path in ("/metrics/", "/metrics%2f", "//metrics"):
        answer = client.simulate_get(path)
        assert (answer.status_code, answer.json["message"]) == (404, "unknown_path")


def test_the_rule_of_the_handbook_covers_every_path_to_the_metrics(client: TestClient) -> None:
    handbook = (ROOT / "docs" / "operations.md").read_text()
    [rule] = re.findall(r"location \^~ (\S+) \{ deny all; \}", handbook)
    for path in SPELLINGS:
        assert unquote(path).startswith(rule) or not reaches(client, path), path


def test_no_call_has_a_second_path(client: TestClient) -> None:
    assert isinstance(client.app, Sidecar)
    for route in client.app.routes:
        path = route.path.format(image_id="cat", task_id="cat")
        assert reaches(client, path)
        for other in (f"{path}/", f"{path}%2f", f"/{path}", f"{path}/.", path.upper()):
            assert not reaches(client, other), other


# -- keys


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_the_scheme_of_a_key_may_be_in_any_case(
    tmp_path: Path, keys: dict[str, str], form: str
) -> None:
    headers = {"Authorization": form.format(keys["read"])}
    with sidecar(tmp_path, api_keys_file=tmp_path / "keys") as client:
        assert client.simulate_get("/similarity/images", headers=headers).status_code == 200
        for wrong in (f"Bearer{keys['read']}", f"Basic {keys['read']}", keys["read"], "bearer"):
            headers = {"Authorization": wrong}
            assert client.simulate_get("/similarity/images", headers=headers).status_code == 401


def test_ready_says_why_a_part_is_away_to_a_key_that_may_read_alone(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    with sidecar(tmp_path, api_keys_file=tmp_path / "keys") as client:

        def parts(**headers: str) -> Any:
            answer = client.simulate_get("/health/ready", headers=headers)
            assert answer.status_code == 503
            return answer.json["parts"]

        assert "127.0.0.1:1" in parts(Authorization=f"Bearer {keys['read']}")["queue"]
        for headers in ({}, {"X-API-Key": keys["write"]}, {"X-API-Key": "wrong"}):
            shown = parts(**headers)
            assert shown["queue"] == "queue_unavailable"
            assert "127.0.0.1" not in json.dumps(shown)


def test_without_keys_ready_says_why_to_everybody(client: TestClient) -> None:
    assert "127.0.0.1:1" in client.simulate_get("/health/ready").json["parts"]["queue"]


# -- CORS


def cors(headers: Any) -> dict[str, str]:
    return {k.lower(): v for k, v in headers.items() if k.lower().startswith("access-control")}


def test_no_origin_is_allowed_by_default(client: TestClient) -> None:
    for answer in (
        client.simulate_get("/similarity/images", headers={"Origin": ORIGIN}),
        client.simulate_options("/similarity/add", headers=PREFLIGHT),
    ):
        assert cors(answer.headers) == {}


def test_pages_of_the_named_origins_may_call_and_see_errors(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    origins = f"https://other.example, {ORIGIN}"
    with sidecar(tmp_path, api_keys_file=tmp_path / "keys", cors_origins=origins) as client:
        for path, key, status in (
            ("/similarity/images", keys["read"], 200),
            ("/similarity/images?limit=x", keys["read"], 400),
            ("/similarity/images", "wrong", 401),
            ("/similarity/images", keys["write"], 403),
            ("/nowhere", "", 404),
        ):
            answer = client.simulate_get(path, headers={"Origin": ORIGIN, "X-API-Key": key})
            assert answer.status_code == status
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert "X-Request-Id" in answer.headers["Access-Control-Expose-Headers"]
            assert answer.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in answer.headers
        stranger = {"Origin": "https://evil.example", "X-API-Key": keys["read"]}
        answer = client.simulate_get("/similarity/images", headers=stranger)
        assert cors(answer.headers) == {}
        assert answer.headers["Vary"] == "Origin"


def test_a_preflight_needs_no_key(tmp_path: Path, keys: dict[str, str]) -> None:
    asked = PREFLIGHT | {"Access-Control-Request-Headers": "authorization"}
    with sidecar(tmp_path, api_keys_file=tmp_path / "keys", cors_origins=ORIGIN) as client:
        answer = client.simulate_options("/similarity/add?id=cat", headers=asked)
        assert answer.status_code == 200
        assert cors(answer.headers) == {
            "access-control-allow-origin": ORIGIN,
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "authorization",
            "access-control-max-age": "86400",
            "access-control-expose-headers": answer.headers["Access-Control-Expose-Headers"],
        }
        assert client.simulate_post("/similarity/add?id=cat").status_code == 401


def test_a_star_allows_every_origin(tmp_path: Path) -> None:
    with sidecar(tmp_path, cors_origins="*") as client:
        answer = client.simulate_get("/similarity/images", headers={"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("text", ["shop.example", "https://a.example/path", "https://*.a.example"])
def test_what_is_no_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        from_environment(cors_origins=text)


# -- behind a proxy


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the first is what a client made up
        ("198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.7:55555", "203.0.113.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("10.9.9.9", "10.9.9.9"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.7, unknown, 10.1.2.3", "10.1.2.3"),
        ("", "127.0.0.1"),
        ("fe80::1%\x1b[2J", "fe80::1"),
    ],
)
def test_the_client_is_the_last_that_no_trusted_proxy_is(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, sent: str, client: str
) -> None:
    caplog.set_level(logging.INFO)
    app = create_app(from_environment(data_dir=tmp_path, trusted_proxies="127.0.0.1, 10.0.0.0/8"))
    headers = {"X-Forwarded-For": sent, "X-Forwarded-Prefix": "/photos/"}
    answer = local_client(app).simulate_get("/nowhere", headers=headers)
    assert answer.json["detail"].endswith("GET /photos/nowhere")
    line = vars(caplog.records[-1])
    assert (line["client"], line["path"]) == (client, "/photos/nowhere")


@pytest.mark.parametrize("proxies", ["", "10.0.0.0/8,::1"])
def test_others_say_nothing_about_themselves(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, proxies: str
) -> None:
    caplog.set_level(logging.INFO)
    app = create_app(from_environment(data_dir=tmp_path, trusted_proxies=proxies))
    headers = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Prefix": "/photos"}
    local_client(app).simulate_get("/nowhere", headers=headers)
    line = vars(caplog.records[-1])
    assert (line["client"], line["path"]) == ("127.0.0.1", "/nowhere")


@pytest.mark.parametrize("prefix", ["photos", "//evil", "/a/../b?x", "/a b", "/" + "x" * 300])
def test_a_prefix_that_is_no_path_is_passed_over(prefix: str, tmp_path: Path) -> None:
    app = create_app(from_environment(data_dir=tmp_path, trusted_proxies="127.0.0.1"))
    answer = local_client(app).simulate_get("/nowhere", headers={"X-Forwarded-Prefix": prefix})
    assert answer.json["detail"].endswith("GET /nowhere")


def test_what_is_no_network_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES=.*10\.0\.0\.1/8"):
        from_environment(trusted_proxies="127.0.0.1,10.0.0.1/8")
    assert Forwarded(networks(" ,127.0.0.1"))
