"""A whole stack on two Tritons that share a model repository: one is killed, then an upgrade."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from sidecar.models.triton import TritonClient
from tests.support.calls import picture
from tests.support.triton_server import Server, serving
from tests.support.versions import put


@pytest.fixture
def tritons(tmp_path: Path) -> Iterator[list[Server]]:
    put("small-32", 1, tmp_path / "r")
    folders = tmp_path / "a", tmp_path / "b"
    for folder in folders:
        folder.mkdir()
    with (
        serving(tmp_path / "r", folders[0]) as first,
        serving(tmp_path / "r", folders[1]) as second,
    ):
        yield [first, second]


@pytest.fixture
def stack(tritons: list[Server], tmp_path: Path) -> Iterator[Stack]:
    (tmp_path / "stack").mkdir()
    url = f"ipv4:{','.join(triton.url for triton in tritons)}"
    settings = {"MODEL_REPOSITORY": f"{tmp_path / 'r'}", "HTTP_PROCESSES": "1"}
    stack = Stack(tmp_path / "stack", TRITON_URL=url, **settings)
    try:
        stack.start("redis", "worker", "sidecar")
        stack.wait_ready()
        yield stack
    finally:
        stack.stop()


def servers(stack: Stack) -> dict[str, dict[str, Any]]:
    return {each["address"]: each for each in stack.get("/similarity/models").json()["servers"]}


@pytest.mark.release
@pytest.mark.long
def test_adds_go_on_where_one_is_killed_and_an_upgrade_and_a_retirement_reach_both(
    stack: Stack, tritons: list[Server], tmp_path: Path
) -> None:
    kept, killed = tritons
    stack.wait(lambda: all(each["ready"] for each in servers(stack).values()), "both are ready")

    def add(number: int) -> int:
        return stack.post(f"/similarity/add?id=image-{number}", picture(number)).status_code

    with ThreadPoolExecutor(8) as pool:
        added = pool.map(add, range(120))
        killed.kill()
        assert set(added) == {200}
    assert stack.get("/health/ready").status_code == 200
    stack.wait(lambda: "degraded" in stack.get("/health/ready").json(), "it is missed")
    put("signed-one", 2, tmp_path / "r")
    with serving(tmp_path / "r", tmp_path / "b", killed.variables):
        stack.wait(lambda: all(each["ready"] for each in servers(stack).values()), "it is back")
        task = stack.post("/similarity/upgrade?version=2").json()["task_id"]
        assert stack.finish_well(task)["version"] == 2
        stack.finish_well(stack.post("/similarity/retire?version=1").json()["task_id"])
        found = servers(stack)
        assert {address: each["versions"] for address, each in found.items()} == {
            kept.url: [2],
            killed.url: [2],
        }
        assert all(each["ready"] for each in found.values())
        assert not any(TritonClient(each.url, 10).is_ready(1) for each in tritons)
        assert add(120) == 200
    assert "is refused" not in stack.log("sidecar")
