"""The files of the pages as they are served: small, ours, and nothing loaded from elsewhere."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from falcon.testing import TestClient

from sidecar.http.pages import FOLDER
from tests.support.local_client import sidecar

MOST_BYTES = 60_000  # of all files that a browser loads, compressed as one
VENDOR = FOLDER / "vendor"
FILES = [path for path in sorted(FOLDER.rglob("*")) if path.is_file()]
LAYERS = ("vendor", "service", "parts", "frame", "screens")
LOADED = [path for path in FILES if path.suffix in (".html", ".js", ".css", ".svg")]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with sidecar(tmp_path_factory.mktemp("data")) as client:
        yield client


def test_the_root_leads_to_the_page_under_whatever_prefix(client: TestClient) -> None:
    for path in ("/", "/ui"):
        answer = client.simulate_get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "ui/")
    page = client.simulate_get("/ui/")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.text == (FOLDER / "index.html").read_text()


def test_a_page_runs_and_shows_nothing_but_the_services_own(client: TestClient) -> None:
    policy = client.simulate_get("/ui/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_a_file_is_asked_for_each_time_and_sent_once(client: TestClient) -> None:
    first = client.simulate_get("/ui/main.js")
    assert first.headers["Content-Type"].startswith("text/javascript")
    assert first.headers["Cache-Control"] == "no-cache"
    again = client.simulate_get("/ui/main.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/ui/nothing.js", "/ui/../app.py", "/ui/%2e%2e/settings.py", "/ui//main.js", "/ui/screens/"],
)
def test_there_is_nothing_else_under_ui(client: TestClient, path: str) -> None:
    answer = client.simulate_get(path)
    assert (answer.status_code, answer.json["message"]) == (404, "unknown_path")


def test_a_page_is_only_looked_at(client: TestClient) -> None:
    answer = client.simulate_post("/ui/main.js")
    assert (answer.status_code, answer.json["message"]) == (405, "method_not_allowed")
    assert client.simulate_head("/ui/").status_code == 200


def test_without_the_pages_nothing_is_there(tmp_path: Path) -> None:
    with sidecar(tmp_path, ui=False) as client:
        for path in ("/", "/ui", "/ui/", "/ui/main.js"):
            assert client.simulate_get(path).status_code == 404


def test_all_files_together_are_small() -> None:
    together = b"".join(path.read_bytes() for path in LOADED)
    assert len(gzip.compress(together, 9)) <= MOST_BYTES


def test_what_is_not_ours_is_listed_with_its_licence_and_as_it_was_made() -> None:
    listed = json.loads((VENDOR / "vendored.json").read_text())
    script = VENDOR / listed["file"]
    assert hashlib.sha256(script.read_bytes()).hexdigest() == listed["sha256"]
    licences = {f"LICENSE-{each['name']}" for each in listed["packages"]}
    assert {path.name for path in VENDOR.iterdir()} == {script.name, "vendored.json", *licences}
    for each in listed["packages"]:
        assert f"{each['name']}@{each['version']}" in script.read_text()[:100]


@pytest.mark.parametrize("path", LOADED, ids=lambda path: f"{path.relative_to(FOLDER)}")
def test_a_file_loads_nothing_from_elsewhere_and_makes_no_html_of_text(path: Path) -> None:
    text = path.read_text()
    elsewhere = re.findall(r"(?:src|href|from|import|url)\W{1,3}(?:https?:)?//\S+", text)
    assert [each for each in elsewhere if "www.w3.org" not in each] == []
    if VENDOR not in path.parents:
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", text)


def imports(path: Path) -> list[Path]:
    """The files that a module imports."""
    names = re.findall(r'(?:from|import) "(\.[^"]+)"', path.read_text())
    return [(path.parent / name).resolve() for name in names]


def place(path: Path) -> tuple[int, str]:
    """The layer of a module, the lowest first, and its folder within that."""
    folders = path.relative_to(FOLDER).parts[:-1]
    if not folders:
        return len(LAYERS), ""
    return LAYERS.index(folders[0]), "/".join(folders[:2])


def test_modules_import_files_that_are_there_downwards_and_no_other_screen() -> None:
    modules = [path for path in LOADED if path.suffix == ".js" and VENDOR not in path.parents]
    assert len(modules) > 20
    for path in modules:
        layer, folder = place(path)
        for imported in imports(path):
            assert imported.is_file(), (path, imported)
            below, beside = place(imported)
            is_own = beside == folder or path == FOLDER / "screens" / "index.js"
            assert below < layer or (below == layer and is_own), (path, imported)
