"""The whole service with its index in Milvus: clients see what they see with any engine."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from campaigns.switching import switch
from local.stack import Stack
from tests.conftest import Trained
from tests.support.versions import put

pytestmark = [pytest.mark.long, pytest.mark.release]

IMAGE = "astronaut-0000"  # which the backup has
WELL = "nothing wrong\n"


@dataclass
class Service:
    """A stack that began with an index of the local engine.

    Args:
        before: what it found then near an image.
    """

    stack: Stack
    before: list[str]

    def nearest(self, image_id: str, more: str = "") -> Any:
        answer = self.stack.get(f"/similarity/search?id={image_id}&nprob=100{more}")
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def stats(self) -> Any:
        return self.stack.get("/similarity/stats").json()


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory,
    trained: Trained,
    tiny: Path,
    milvus_server: dict[str, str],
) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("milvus")
    shutil.copytree(tiny, folder / "models")
    put("small-32", 2, folder / "models")
    settings = milvus_server | {"MODEL_REPOSITORY": f"{folder}/models", "EXACT_SEARCH_MAX": "0"}
    with trained(folder, **settings) as stack:
        before = stack.get(f"/similarity/search?id={IMAGE}&nprob=100").json()["result"]
        assert stack.get("/similarity/stats").json()["generation"] == 1
        task = stack.run("train")
        assert (task["generation"], task["recall_at_10"] >= 0.95) == (2, True)
        yield Service(stack, before)


def test_a_training_moves_the_index_into_milvus(service: Service) -> None:
    assert len(service.before) == 10
    assert len({*service.nearest(IMAGE)} & {*service.before}) >= 9
    ready = service.stack.get("/health/ready").json()
    assert (ready["parts"]["milvus"], service.stats()["generation"]) == ("ok", 2)


def test_an_image_is_found_from_its_add_on_and_after_its_update(
    service: Service, collection: dict[str, bytes]
) -> None:
    stack, file = service.stack, collection[IMAGE]
    added = stack.post("/similarity/add?id=new&metadata=%7B%22kind%22%3A%22new%22%7D", file)
    assert added.status_code == 200, added.text
    for wanted in (True, False):  # live, then in the index
        assert "new" in service.nearest(IMAGE)[:2]
        assert service.nearest(IMAGE, "&filter=%7B%22kind%22%3A%22new%22%7D") == ["new"]
        assert service.stats()["waiting"] == int(wanted)
        if wanted:
            stack.run("update")
    stack.call("DELETE", "/similarity/images/new")
    assert "new" not in service.nearest(IMAGE)
    assert stack.run("update")["images"] == service.stats()["images"]
    assert service.stack.command("verify").endswith(WELL)


def test_another_version_comes_into_use_and_the_one_before_again(service: Service) -> None:
    stack = service.stack
    assert switch(stack, "upgrade?version=2")["version"] == 2
    assert len(service.nearest(IMAGE)) == 10
    assert service.stats()["model_version"] == 2
    assert switch(stack, "rollback")["version"] == 1
    assert len({*service.nearest(IMAGE)} & {*service.before}) >= 9
    assert stack.command("verify").endswith(WELL)


def test_repair_makes_it_afresh(service: Service) -> None:
    before = service.stats()["generation"]
    assert "repaired" in service.stack.command("repair")
    service.stack.wait(lambda: service.stats()["generation"] > before, "the new one is searched")
    assert len({*service.nearest(IMAGE)} & {*service.before}) >= 9
    assert service.stack.command("verify").endswith(WELL)


def test_a_backup_has_the_catalogue_alone(service: Service, tmp_path: Path) -> None:
    service.stack.command("backup", str(tmp_path / "copy"))
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["catalogue.sqlite"]
