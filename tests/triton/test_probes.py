"""What Kubernetes asks Triton for, on the real one: it is ready while it serves any version."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.models.triton import TritonClient
from tests.support.kubernetes import container
from tests.support.triton_server import Server, serving
from tests.support.versions import put


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("probed")
    put("small-32", 1, folder / "r")
    with serving(folder / "r", folder) as running:
        yield running


def status(server: Server, path: str) -> int:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{server.variables['TRITON_HTTP_PORT']}{path}"
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def probed() -> dict[str, str]:
    """The path of each probe, by its name."""
    parts = container("base", "triton").items()
    return {name: part["httpGet"]["path"] for name, part in parts if name.endswith("Probe")}


def test_a_server_that_serves_passes_every_probe(server: Server) -> None:
    assert {status(server, path) for path in probed().values()} == {200}
    assert status(server, "/v2/models/another/ready") == 400


def test_a_version_that_does_not_load_takes_nothing_from_the_others(server: Server) -> None:
    """The server calls itself unready then, which would take it out of a rollout's count."""
    broken = Path(server.variables["MODEL_REPOSITORY"]) / "keywording" / "2"
    broken.mkdir()
    (broken / "model.onnx").write_bytes(b"garbage")
    assert TritonClient(server.url, timeout_s=30).load() != ""
    assert status(server, "/v2/health/ready") == 400
    assert {status(server, path) for path in probed().values()} == {200}
