"""A name that no row can have is unknown, in both databases: not an error of the database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import falcon
import pytest

from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.errors import UnknownImage, UnknownTask
from sidecar.http.app import create_app
from sidecar.settings import from_environment
from tests.support.local_client import local_client

NAMES = ["\0", "cat\0", "\0cat", "a" * 5000, "\x1a", "é" * 300]

LOOKUPS: dict[str, tuple[Callable[[Catalogue, str], object], type[Exception]]] = {
    "status": (lambda c, name: c.tasks.get(name), UnknownTask),
    "cancel": (lambda c, name: c.tasks.cancel(name), UnknownTask),
    "claim": (lambda c, name: c.tasks.claim(name), UnknownTask),
    "image": (lambda c, name: c.images.get(name), UnknownImage),
    "jpeg": (lambda c, name: c.images.with_jpeg(name), UnknownImage),
    "upload": (lambda c, name: c.images.upload(name), UnknownImage),
    "features": (lambda c, name: c.images.features(name, 1), UnknownImage),
    "remove": (lambda c, name: c.removals.remove(name), UnknownImage),
}


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, 30.0)
    yield catalogue
    catalogue.close()


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_a_name_that_no_row_can_have_is_unknown(catalogue: Catalogue, lookup: str) -> None:
    look, error = LOOKUPS[lookup]
    for name in NAMES:
        with pytest.raises(error):
            look(catalogue, name)
        catalogue.adds.check_free(name, "0" * 64)
        catalogue.tasks.give_back(name)
        catalogue.tasks.release(name)
    assert catalogue.images.count() == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "word"),
    [
        ("GET", "/similarity/status/%00", 404, "unknown_task_id"),
        ("GET", "/status/a%00b", 404, "unknown_task_id"),
        ("POST", "/similarity/tasks/%00/cancel", 404, "unknown_task_id"),
        ("GET", "/similarity/images/%00", 400, "wrong_arguments_format"),
        ("DELETE", "/similarity/images/a%00", 400, "wrong_arguments_format"),
        ("GET", "/similarity/images/%00/thumbnail", 400, "wrong_arguments_format"),
        ("GET", "/similarity/images/%00/original", 400, "wrong_arguments_format"),
        ("POST", "/similarity/remove?id=%00", 400, "wrong_arguments_format"),
        ("GET", "/similarity/search?id=%00", 400, "wrong_arguments_format"),
    ],
)
def test_a_nul_in_a_request_is_the_clients_fault(
    catalogue_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    status: int,
    word: str,
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CATALOGUE_URL", catalogue_url)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    with create_app(from_environment()) as app:
        answer = local_client(app).simulate_request(method, path)
    assert falcon.http_status_to_code(answer.status) == status
    assert answer.json["message"] == word
