"""The model is changed on the real stack: nothing fails, nothing is mixed, nothing is lost.

`campaigns.switching` does it at length, with larger models.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from similarity_client import Similarity

from campaigns.fresh_client import PICTURES, Client
from campaigns.freshness import changing, tasks_for
from campaigns.switching import Traffic, lost, mixed_answers, strangers, switch
from local import photos
from local.stack import Stack
from sidecar.catalogue import open_catalogue
from sidecar.errors import FeaturesUnavailable
from sidecar.files import sha256_of
from sidecar.models import contract as contracts
from sidecar.models.triton import TritonClient
from sidecar.tasks.paired import SAMPLE
from tests.conftest import Trained
from tests.support.calls import failure
from tests.support.examples import run_example
from tests.support.versions import put

pytestmark = pytest.mark.long

PAUSE_S = 0.2  # of a client, after each answer: it is the upgrade that is tested
LATER = {2: "small-32", 3: "small-64"}


@dataclass
class Plant:
    """A stack with a trained index by version 1, and versions to come."""

    stack: Stack
    models: Path
    shelf: Path

    def put(self, version: int, spoil: bool = False) -> Path:
        """A version into the repository, as an export does it: in whole."""
        target = self.models / "keywording" / f"{version}"
        if not target.exists():
            shutil.copytree(self.shelf / f"{version}", self.models / "coming")
            if spoil:
                (self.models / "coming" / "model.onnx").write_bytes(b"no model")
            (self.models / "coming").rename(target)
        return target

    def version(self, number: int) -> dict[str, Any] | None:
        told = self.stack.get("/similarity/models").json()["models"]
        return next((each for each in told if each["version"] == number), None)

    def known(self, number: int) -> dict[str, Any]:
        found = self.version(number)
        assert found is not None
        return found

    def in_use(self) -> int:
        in_use: int = self.stack.get("/similarity/models").json()["in_use"]
        return in_use

    def fail(self, version: int) -> dict[str, Any]:
        """Ask for an upgrade, which must end with an error."""
        asked = self.stack.post(f"/similarity/upgrade?version={version}").json()
        task = self.stack.finish(asked["task_id"])
        assert task["status"] == "error", task
        return task


class Concepts(NamedTuple):
    """The names of keywords that a photo is given, and by which version."""

    names: set[str]
    version: int


def concepts(stack: Stack) -> Concepts:
    answer = stack.post("/predict/concepts", next(photos.variations(1))[1])
    names = {each["name"] for each in answer.json()["concepts"]}
    return Concepts(names, int(answer.headers["X-Model-Version"]))


@pytest.fixture(scope="module")
def plant(
    tmp_path_factory: pytest.TempPathFactory, tiny: Path, trained: Trained
) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("upgrades")
    shutil.copytree(tiny, folder / "models")
    for number, name in LATER.items():
        put(name, number, folder / "exported")
    settings = {"MODEL_REPOSITORY": f"{folder}/models", "TASK_LEASE_S": "10"}
    settings["TRITON_REPOSITORY_KEY"] = "the-key=of the repository"
    (folder / "data").mkdir()
    with trained(folder / "data", **settings) as stack:
        yield Plant(stack, folder / "models", folder / "exported" / "keywording")


@pytest.fixture(autouse=True)
def at_home(plant: Plant) -> Iterator[None]:
    """Each test begins with version 1 alone, in use."""
    yield
    if plant.in_use() != 1:
        switch(plant.stack, "rollback")
    for number in (2, 3):
        if plant.version(number) is not None:
            switch(plant.stack, f"retire?version={number}")


@pytest.mark.release
def test_a_search_knows_of_every_acknowledged_change_whatever_task_runs(
    plant: Plant, collection: dict[str, bytes]
) -> None:
    """A short `campaigns.freshness`."""
    plant.put(2)
    pictures = [*collection.values()][:PICTURES]
    clients = [Client(plant.stack, number, pictures, PAUSE_S) for number in range(3)]
    with changing(clients):
        tasks_for(plant.stack, 0)
    for image_id in [each for client in clients for each in client.images]:
        assert plant.stack.post(f"/similarity/remove?id={image_id}").status_code == 200
    assert [each for client in clients for each in client.violations] == []
    assert sum(client.checks for client in clients) > 50


@pytest.mark.release
def test_an_upgrade_and_the_way_back_under_load_and_a_retirement(
    plant: Plant, collection: dict[str, bytes]
) -> None:
    stack = plant.stack
    traffic = Traffic(stack, [*collection.values()], collection, PAUSE_S)
    folder = plant.put(2)
    with traffic.flowing(searchers=3, adders=1):
        task = switch(stack, "upgrade?version=2")
        stack.wait(lambda: any(a.version == 2 for a in list(traffic.answers)), "version 2 answers")
        new, old = plant.known(2), plant.known(1)
        stack.wait(lambda: {concepts(stack).version for _ in range(10)} == {2}, "all know")
        keywords = concepts(stack).names
        back = switch(stack, "rollback")
    assert (task["version"], task["previous"], back["version"]) == (2, 1, 1)
    assert (new["in_use"], new["loaded"], new["dimension"]) == (True, True, 8)
    assert (old["in_use"], old["loaded"]) == (False, True)
    assert 0 <= old["agreement_at_10"] == task["agreement_at_10"] < 0.9
    assert keywords == {"cat", "dog", "fox"}
    assert traffic.failures == []
    assert {answer.version for answer in traffic.answers} == {1, 2}
    assert len(traffic.added) > 10
    catalogue = open_catalogue(f"sqlite:///{stack.folder}/catalogue.sqlite", 30)
    assert mixed_answers(catalogue, traffic.answers) == []
    # With 8 values an image, codes of 4 bits may miss the image itself.
    assert strangers([answer for answer in traffic.answers if answer.version == 1]) == []
    catalogue.close()
    stack.run("update")
    assert lost(stack, traffic.added) == []
    stats = stack.get("/similarity/stats").json()
    assert stats["images"] == stats["indexed"] == len(collection) + len(traffic.added)
    has_features = plant.known(2)["features"]
    assert has_features > len(collection)
    assert switch(stack, "retire?version=2")["features_freed"] == has_features
    assert plant.version(2) is None
    assert not folder.exists()
    assert failure(stack.post("/similarity/rollback")) == (409, "switch_refused")
    assert failure(stack.post("/similarity/retire?version=2")) == (404, "unknown_version")
    assert "nothing wrong" in stack.command("verify")


@pytest.mark.release
def test_an_upgrade_that_is_killed_goes_on_where_it_was_and_lets_an_update_go_first(
    plant: Plant,
) -> None:
    stack = plant.stack
    plant.put(3)
    task_id = stack.post("/similarity/upgrade?version=3").json()["task_id"]
    again = stack.post("/similarity/upgrade?version=3").json()["task_id"]
    assert again == task_id

    def status() -> dict[str, Any]:
        told: dict[str, Any] = stack.get(f"/similarity/status/{task_id}").json()
        return told

    stack.wait(lambda: status().get("embedded", 0) > 0, "some images are embedded")
    told = status()
    assert (told["version"], told["phase"]) == (3, "embedding")
    assert told["images_per_s"] > 0
    stack.kill_all("worker")
    assert 0 < plant.known(3)["features"] < stack.get("/similarity/stats").json()["images"]
    assert plant.in_use() == 1
    updating = stack.get("/similarity/update").json()["task_id"]
    stack.start("worker")
    upgraded, updated = stack.finish(task_id), stack.finish(updating)
    assert (upgraded["status"], updated["status"]) == ("ok", "ok")
    assert updated["finished_at"] < upgraded["finished_at"]
    assert plant.in_use() == 3


def test_a_cancelled_upgrade_leaves_everything_as_it_was(plant: Plant) -> None:
    stack = plant.stack
    plant.put(2)
    before = stack.get("/similarity/stats").json()
    task_id = stack.post("/similarity/upgrade?version=2").json()["task_id"]
    cancelled = stack.post("/similarity/upgrade/cancel").json()
    assert cancelled == {"status": "ok", "task_id": task_id}
    assert stack.finish(task_id)["message"] == "cancelled"
    assert failure(stack.post("/similarity/upgrade/cancel")) == (409, "switch_refused")
    after = stack.get("/similarity/stats").json()
    assert (after["generation"], after["model_version"]) == (before["generation"], 1)
    assert plant.in_use() == 1


def test_a_version_that_does_not_load_is_put_away(plant: Plant) -> None:
    folder = plant.put(2, spoil=True)
    task = plant.fail(2)
    assert task["message"] == "model_refused"
    assert "version 2" in task["detail"]
    assert not folder.exists()
    assert (plant.models / "rejected" / "2" / "model.onnx").read_bytes() == b"no model"
    assert plant.in_use() == 1
    plant.stack.kill("triton")
    plant.stack.start("triton")
    plant.stack.wait_ready()


def test_a_version_that_breaks_its_contract_is_put_away(plant: Plant) -> None:
    folder = plant.put(3)
    contract = contracts.read(plant.models, 3)
    turned = contract.golden_features[::-1]
    contracts.write(folder, replace(contract, golden_features=turned))
    task = plant.fail(3)
    assert task["message"] == "model_refused"
    assert "does not give the features of its contract" in task["detail"]
    assert not folder.exists()
    assert (plant.models / "rejected" / "3").exists()
    assert plant.version(3) is None


def looked(plant: Plant, what: str, version: int) -> dict[str, Any]:
    """An estimate or a preview, which must leave everything as it was."""
    before = (
        plant.stack.get("/similarity/models").json(),
        plant.stack.get("/similarity/tasks").json(),
    )
    answer = plant.stack.get(f"/similarity/upgrade/{what}?version={version}")
    after = (
        plant.stack.get("/similarity/models").json(),
        plant.stack.get("/similarity/tasks").json(),
    )
    assert answer.status_code == 200, answer.text
    assert after == before
    found: dict[str, Any] = answer.json()
    return found


def estimate(plant: Plant, version: int) -> dict[str, Any]:
    return looked(plant, "estimate", version)


def bytes_of(plant: Plant, generation: int | None) -> tuple[int, int]:
    """What the catalogue's pages take that are in use, and the files of a generation."""
    with closing(sqlite3.connect(plant.stack.folder / "catalogue.sqlite")) as connection:
        size, pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
    folder = plant.stack.folder / "index" / f"{generation or 0:06d}"
    return size * (pages - free), sum(path.stat().st_size for path in folder.glob("*"))


@pytest.mark.release
def test_an_estimate_says_what_the_upgrade_then_takes(
    plant: Plant, collection: dict[str, bytes]
) -> None:
    stack = plant.stack
    plant.put(2)
    images = stack.get("/similarity/stats").json()["images"]
    unloaded = estimate(plant, 2)
    assert unloaded["images"] == images
    assert unloaded["hours"] is unloaded["images_per_s"] is unloaded["measured_version"] is None
    assert "Triton has not loaded version 2" in unloaded["trouble"]
    assert plant.known(2)["loaded"] is False
    stack.kill("triton")
    stack.start("triton")
    stack.wait_ready()
    found = estimate(plant, 2)
    assert (found["images"], found["measured_version"], found["trouble"]) == (images, 2, None)
    assert 0 < found["measured"] <= images
    assert found["hours"] == pytest.approx(images / found["images_per_s"] / 3600, rel=0.1, abs=1e-4)
    assert found["bytes"] == unloaded["bytes"] == found["features_bytes"] + found["index_bytes"]
    assert found["free_bytes"] > found["bytes"]
    catalogue_before, _ = bytes_of(plant, None)
    task = switch(stack, "upgrade?version=2")
    catalogue_after, index = bytes_of(plant, task["generation"])
    assert task["images"] == images
    # Eight numbers are little beside what each row takes: catalogue/test_estimate.py has 1,280.
    written = catalogue_after - catalogue_before + index
    assert written <= found["bytes"] < 4 * written, (written, index)
    switch(stack, "rollback")
    done = estimate(plant, 2)
    assert (done["images"], done["hours"], done["features_bytes"], done["measured"]) == (0, 0, 0, 0)
    stack.wait(lambda: {concepts(stack).version for _ in range(10)} == {1}, "all know")
    assert stack.post("/similarity/add?id=one-more", next(iter(collection.values()))).ok
    one = estimate(plant, 2)
    assert stack.post("/similarity/remove?id=one-more").ok
    assert (one["images"], one["measured"], one["measured_version"]) == (1, 1, 2)
    with Similarity(stack.url) as client:
        answer = asdict(client.upgrade_estimate(2))
    assert answer.pop("meta")["request_id"]
    assert set(answer) | {"status"} == set(done)


@pytest.mark.release
def test_a_preview_answers_stored_images_by_both_versions_out_of_one_sample(plant: Plant) -> None:
    stack = plant.stack
    plant.put(2)
    unloaded = looked(plant, "preview", 2)
    assert (unloaded["images"], unloaded["queries"], unloaded["in_use"]) == (0, [], 1)
    assert "Triton has not loaded version 2" in unloaded["trouble"]
    stack.kill("triton")
    stack.start("triton")
    stack.wait_ready()
    found = looked(plant, "preview", 2)
    assert (found["trouble"], len(found["queries"])) == (None, 12)
    assert 12 < found["images"] <= SAMPLE  # as many as a few seconds are enough for
    with Similarity(stack.url) as client:
        ids = [each.id for each in client.images()]
        again = client.upgrade_preview(2)
        for query in found["queries"]:
            for nearest in (query["before"], query["after"]):
                assert len({*nearest["result"]} - {query["id"]}) == len(nearest["dist"]) == 10
                assert {*nearest["result"]} <= {*ids}
                assert nearest["dist"] == sorted(nearest["dist"])
            both = {*query["before"]["result"]} & {*query["after"]["result"]}
            assert query["shared"] == len(both)
        one = found["queries"][0]
        dist = client.compare(one["id"], one["before"]["result"][0]).dist
    assert one["before"]["dist"][0] == pytest.approx(dist, abs=1e-5)
    assert {each.id for each in again.queries} != {each["id"] for each in found["queries"]}
    assert 0 < found["agreement_at_10"] < 1
    # By what the upgrade stores, the other version answers the same.
    switch(stack, "upgrade?version=2")
    stack.wait(lambda: {concepts(stack).version for _ in range(10)} == {2}, "all know")
    with Similarity(stack.url) as client:
        dist = client.compare(one["id"], one["after"]["result"][0]).dist
    assert one["after"]["dist"][0] == pytest.approx(dist, abs=0.002)
    assert failure(stack.get("/similarity/upgrade/preview?version=2")) == (409, "switch_refused")


@pytest.mark.release
def test_the_example_of_an_upgrade_says_what_it_takes_and_how_it_goes(
    plant: Plant, tmp_path: Path
) -> None:
    plant.put(3)
    url, images = plant.stack.url, plant.stack.get("/similarity/stats").json()["images"]
    asked = run_example("watch_upgrade.py", tmp_path, url, "3")
    assert (asked.returncode, asked.stderr) == (0, "")
    assert f"version 3: {images:,} images, " in asked.stdout
    assert plant.in_use() == 1
    done = run_example("watch_upgrade.py", tmp_path, url, "3", "--go")
    assert (done.returncode, done.stderr) == (0, "")
    assert "100%  ok" in done.stdout
    assert "version 3 is in use; its searches agree with version 1's" in done.stdout
    assert plant.in_use() == 3


def test_other_weights_of_the_network_in_use_are_estimated_by_it(plant: Plant) -> None:
    folder = plant.models / "keywording" / "4"
    shutil.copytree(plant.models / "keywording" / "1", folder)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"other weights")
    contract = replace(contracts.read(plant.models, 1), version=4)
    contracts.write(folder, replace(contract, sha256=sha256_of(folder / "model.onnx")))
    try:
        found = estimate(plant, 4)
        (folder / "contract.json").write_text("{}")
        broken = plant.stack.get("/similarity/upgrade/estimate?version=4")
    finally:
        shutil.rmtree(folder)
    assert (found["measured_version"], found["trouble"]) == (1, None)
    assert found["hours"] > 0
    assert failure(broken) == (503, "model_refused")


def test_only_who_knows_the_key_may_load_versions(plant: Plant) -> None:
    with pytest.raises(FeaturesUnavailable, match="restricted"):
        TritonClient(plant.stack.env["TRITON_URL"], 10).load()


def test_what_makes_no_sense_is_refused(plant: Plant) -> None:
    stack = plant.stack
    refused = {
        "upgrade": (400, "wrong_arguments_format"),
        "upgrade?version=x": (400, "wrong_arguments_format"),
        "upgrade?version=0": (400, "wrong_arguments_format"),
        "upgrade?version=99": (404, "unknown_version"),
        "upgrade?version=1": (409, "switch_refused"),
        "retire?version=1": (409, "switch_refused"),
        "retire?version=99": (404, "unknown_version"),
    }
    for call, expected in refused.items():
        assert failure(stack.post(f"/similarity/{call}")) == expected, call
        if call.startswith("upgrade"):
            for what in ("estimate", "preview"):
                asked = call.replace("upgrade", f"upgrade/{what}")
                assert failure(stack.get(f"/similarity/{asked}")) == expected, asked
    same = plant.models / "keywording" / "4"
    shutil.copytree(plant.models / "keywording" / "1", same)
    answer = stack.post("/similarity/upgrade?version=4")
    estimated = stack.get("/similarity/upgrade/estimate?version=4")
    shutil.rmtree(same)
    assert failure(answer) == failure(estimated) == (409, "switch_refused")
    assert "the same" in answer.json()["detail"]
    plant.put(2)
    plant.put(3)
    task_id = stack.post("/similarity/upgrade?version=2").json()["task_id"]
    answer = stack.post("/similarity/upgrade?version=3")
    stack.post("/similarity/upgrade/cancel")
    stack.finish(task_id)
    assert failure(answer) == (409, "switch_refused")
    assert "in progress" in answer.json()["detail"]


@pytest.mark.release
def test_a_version_in_use_that_vanishes_is_a_503_until_it_is_back(
    plant: Plant, collection: dict[str, bytes]
) -> None:
    stack, file = plant.stack, next(iter(collection.values()))
    folder = plant.models / "keywording" / "1"
    plant.put(2)  # Triton starts with it
    folder.rename(plant.models / "away")
    stack.kill("triton")
    stack.start("triton")
    # Each process of the sidecar finds its own way back to Triton.
    stack.wait(lambda: {plant.known(2)["loaded"] for _ in range(10)} == {True}, "Triton is back")
    answer = stack.post("/similarity/search", file)
    assert failure(answer) == (503, "model_unavailable")
    known = plant.known(1)
    assert (known["in_use"], known["in_repository"], known["loaded"]) == (True, False, False)
    (plant.models / "away").rename(folder)
    stack.wait_ready()
    stack.wait(lambda: stack.post("/similarity/search", file).ok, "version 1 answers again")
