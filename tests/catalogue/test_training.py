"""From the catalogue to a published generation and its answers, without a server."""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from local.stack import ROOT
from sidecar.catalogue import IndexReport, TaskKind, TaskState
from sidecar.errors import (
    DeviceUnavailable,
    IndexDamaged,
    NeedMoreSamples,
    NoIndex,
    NoSamples,
    StorageFull,
    TaskLost,
)
from sidecar.index import BuildRules, GenerationStore, SearchRequest, rank
from sidecar.index.calibration import Calibration
from sidecar.index.local.search import LocalSearch
from sidecar.index.writer import measured
from sidecar.operations import Inventory
from sidecar.tasks.admission import Admission
from sidecar.tasks.samples import check_training
from sidecar.tasks.twin_check import TwinCheck
from tests.support.house import TEN, House, vector


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    house = House(folder)
    house.add(1, 1500)
    assert house.run("train").images == 1500
    house.catalogue.close()
    return folder


@pytest.fixture
def house(trained_folder: Path, tmp_path: Path) -> Iterator[House]:
    shutil.copytree(trained_folder, tmp_path, dirs_exist_ok=True)
    house = House(tmp_path)
    yield house
    house.catalogue.close()


def first(house: House, number: int) -> int:
    """The sequence number that is nearest to the features of an image."""
    return int(rank(house.generations.current(), vector(number), TEN)[0][0])


def test_every_image_finds_itself_first_at_no_distance(house: House) -> None:
    for number in range(1, 1501, 50):
        seqs, dist = rank(house.generations.current(), vector(number), TEN)
        assert seqs[0] == number
        assert dist[0] < 1e-5
        assert np.all(np.diff(dist) >= 0)


def test_distances_are_exact_and_neighbours_those_of_brute_force(house: House) -> None:
    everything = np.stack([vector(n) for n in range(1, 1501)])
    hits = 0
    for number in range(1, 1501, 25):
        exact = np.square(everything - vector(number)).sum(axis=1)
        seqs, dist = rank(house.generations.current(), vector(number), TEN)
        assert np.allclose(dist, exact[seqs - 1], atol=2e-3)
        hits += len(set(seqs.tolist()) & set((np.argsort(exact)[:10] + 1).tolist()))
    assert hits / 600 >= 0.95


def test_max_dist_cuts_the_list(house: House) -> None:
    seqs, dist = rank(house.generations.current(), vector(7), TEN)
    limit = float(dist[4])
    cut, _ = rank(house.generations.current(), vector(7), SearchRequest(10, 5, limit))
    assert cut.tolist() == seqs[:5].tolist()


def test_an_update_adds_what_is_new_and_keeps_what_was(house: House) -> None:
    before = [first(house, n) for n in range(1, 1501, 100)]
    house.add(1501, 1600)
    assert first(house, 1550) != 1550
    assert house.run("update").images == 1600
    assert first(house, 1550) == 1550
    assert [first(house, n) for n in range(1, 1501, 100)] == before


def test_an_update_writes_no_old_features_again(house: House) -> None:
    old = house.generations.current()
    house.add(1501, 1510)
    house.run("update")
    new = house.generations.current()
    assert list(new.meta.segments.items()) == [("features-1.f16", 1500), ("features-1501.f16", 10)]
    shared = new.folder / "features-1.f16"
    assert shared.samefile(old.folder / "features-1.f16")
    assert (new.meta.snapshot, new.meta.quality.trained.images) == (1510, 1500)


def test_an_update_with_nothing_new_keeps_the_generation(house: House) -> None:
    task = house.run("update")
    assert (task.generation, task.images) == (1, 1500)
    assert [p.name for p in house.generations.folder.iterdir() if p.is_dir()] == ["000001"]


def test_an_old_generation_still_answers_after_it_has_left_the_folder(house: House) -> None:
    old = house.generations.current()
    for last in (1510, 1520, 1530):
        house.add(last - 9, last)
        house.run("update")
    assert not old.folder.exists()
    assert rank(old, vector(5), TEN)[0][0] == 5
    kept = sorted(p.name for p in house.generations.folder.iterdir() if p.is_dir())
    assert kept == ["000003", "000004"]
    assert first(house, 1525) == 1525


def test_a_cancelled_task_leaves_nothing(house: House) -> None:
    house.add(1501, 1510)
    task = house.claim("update")

    def cancelled(phase: str, progress: float) -> None:
        if phase == "adding":
            raise TaskLost("cancelled")

    with pytest.raises(TaskLost):
        house.trainer.run(task, cancelled)
    assert sorted(p.name for p in house.generations.folder.iterdir()) == ["000001", "CURRENT"]
    assert first(house, 5) == 5


def test_a_draft_of_a_dead_attempt_is_cleared_away(house: House) -> None:
    dead = house.generations.folder / ".draft-dead-1"
    dead.mkdir()
    house.add(1501, 1501)
    house.run("update")
    assert not dead.exists()


def test_a_full_disk_is_reported_and_the_old_index_serves(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.add(1501, 1510)

    def full(*_: object) -> None:
        raise RuntimeError("Error in write: No space left on device")

    monkeypatch.setattr("sidecar.index.ann.Index.save", full)
    with pytest.raises(StorageFull):
        house.run("update")
    assert sorted(p.name for p in house.generations.folder.iterdir()) == ["000001", "CURRENT"]
    assert first(house, 5) == 5


def test_a_damaged_generation_is_passed_over_for_the_one_before(house: House) -> None:
    house.add(1501, 1510)
    house.run("update")
    codes = house.generations.folder / "000002" / "lists.ivf"
    codes.write_bytes(codes.read_bytes()[:-100])
    assert GenerationStore(house.generations.folder).current().number == 1
    for name in ("000001", "000002"):
        (house.generations.folder / name / "meta.json").write_text("{")
    with pytest.raises(IndexDamaged, match="000001"):
        GenerationStore(house.generations.folder).current()


@pytest.mark.parametrize(
    "name", ["trained.faiss", "lists.ivf", "truth.npz", "seqs.i64", "crcs.u32", "meta.json"]
)
def test_a_flipped_byte_is_noticed_at_load(house: House, name: str) -> None:
    house.add(1501, 1510)
    house.run("update")
    flip(house.generations.path(2) / name)
    assert GenerationStore(house.generations.folder).current().number == 1
    assert any("000002" in problem for problem in house.problems())


def test_a_flipped_byte_in_features_is_noticed_when_they_are_used(house: House) -> None:
    house.add(1501, 1510)
    house.run("update")
    flip(house.generations.path(2) / "features-1501.f16", at=3)
    search = house.search()
    assert search.nearest_to("1", TEN).generation in (1, 2)
    around = search.nearest_to("1501", SearchRequest(1000, 100, 4.0))
    assert around.generation == 1
    assert search.nearest_to("1", TEN).generation == 1
    assert any("features-1501.f16" in problem for problem in house.problems())


def test_features_that_generations_share_are_damaged_in_both(house: House) -> None:
    house.add(1501, 1510)
    house.run("update")
    for number in (1, 2):
        flip(house.generations.path(number) / "features-1.f16", at=5)
    with pytest.raises(IndexDamaged, match=r"000002.*000001"):
        house.search().nearest_to("31", SearchRequest(1000, 100, 4.0))


def test_a_damaged_current_is_noticed_and_the_newest_generation_serves(house: House) -> None:
    current = house.generations.folder / "CURRENT"
    for text in ("7 00000000\n", "", "x", "1 \n"):
        current.write_text(text)
        assert GenerationStore(house.generations.folder).current().number == 1
        assert any("CURRENT" in problem for problem in house.problems())


def test_a_generation_of_another_form_is_reported(house: House) -> None:
    (house.generations.path(1) / "meta.json").write_text('{"task_id": "x"}')
    with pytest.raises(IndexDamaged, match="train again"):
        GenerationStore(house.generations.folder).current()


def flip(path: Path, at: int = -2) -> None:
    """Change one bit."""
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 1
    path.unlink()  # it may be a link: other generations keep theirs
    path.write_bytes(damaged)


def test_where_the_lists_that_are_visited_hold_too_few_more_are_visited(house: House) -> None:
    generation = house.generations.current()
    assert isinstance(generation.searchable, LocalSearch)
    assert generation.search_params(1, 1000).lists < generation.searchable.index.lists
    for wanted in (100, 1000, 1500):
        seqs, _ = rank(generation, vector(3), SearchRequest(wanted, 1, math.inf))
        assert len(set(seqs.tolist())) == wanted


@pytest.mark.long
def test_small_segments_are_joined_so_that_they_stay_few(house: House) -> None:
    for last in range(1510, 1700, 10):
        house.add(last - 9, last)
        house.run("update")
    generation = house.generations.current()
    sizes = list(generation.meta.segments.values())
    assert sizes[0] == 1500
    assert sum(sizes) == 1690
    assert len(sizes) <= 6
    assert house.problems() == []
    seqs = np.arange(1, 1691)
    features = generation.segments.features(seqs)
    assert np.array_equal(features, np.stack([vector(int(n)) for n in seqs]).astype(np.float16))


def test_an_update_measures_recall_again_and_tells_it(house: House) -> None:
    trained = house.generations.current().meta.quality
    house.add(1501, 1560)
    task = house.run("update")
    quality = house.generations.current().meta.quality
    assert task.report == quality.summary()
    assert isinstance(task.report, IndexReport)
    assert task.report.warnings == task.report.training_due == []
    assert quality.trained == trained.trained
    assert quality.added.images == 60
    assert 0.95 <= quality.operating_points.at(5).recall <= 1
    assert 0.995 <= quality.operating_points.at(100).recall <= 1


def test_a_small_set_is_searched_exactly(tmp_path: Path) -> None:
    house = House(tmp_path, exact_max=1200)
    house.add(1, 1200)
    house.run("train")
    house.add(1201, 1250)
    house.remove(7)
    house.run("update")
    everything = np.stack([vector(n) for n in range(1, 1251)])
    for number in range(1, 1251, 50):
        exact = np.square(everything - vector(number)).sum(axis=1)
        exact[6] = 9
        seqs, dist = rank(
            house.generations.current(), vector(number), SearchRequest(10, 1, math.inf)
        )
        assert np.allclose(dist, np.sort(exact)[:10], atol=2e-3)
        assert len(set(seqs.tolist()) & set((np.argsort(exact)[:10] + 1).tolist())) >= 9
    assert house.generations.current().meta.quality.operating_points.at(1).recall == 1.0
    house.catalogue.close()


@pytest.mark.parametrize("auto", ["0", "1"])
def test_a_training_follows_an_update_that_finds_it_due(tmp_path: Path, auto: str) -> None:
    house = House(tmp_path)
    house.trainer = replace(house.trainer, fewest_samples=1)
    house.add(1, 250)
    house.run(TaskKind.TRAIN)
    house.add(251, 1010)
    task = house.catalogue.tasks.request(TaskKind.UPDATE)
    script = f"from sidecar.tasks.runner import run; run({task.task_id!r})"
    nowhere = {"DATA_DIR": f"{tmp_path}", "REDIS_URL": "redis://127.0.0.1:1/0"}
    environment = {**os.environ, **nowhere, "AUTO_TRAIN": auto, "EXACT_SEARCH_MAX": "0"}
    subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, check=True)
    done = house.catalogue.tasks.get(task.task_id)
    assert done.state == "ok"
    assert isinstance(done.report, IndexReport)
    assert done.report.training_due == [
        "760 images were added to the 250 of the last training, over 3 times as many"
    ]
    waiting = house.catalogue.tasks.deliverable()
    assert [task.kind for task in waiting] == (["train"] if auto == "1" else [])
    house.catalogue.close()


def test_a_gpu_that_is_not_there_ends_the_task(house: House) -> None:
    gpu = replace(house.trainer, rules=BuildRules(0, "gpu"))
    with pytest.raises(DeviceUnavailable):
        gpu.run(house.claim("train"), lambda phase, progress: None)
    assert sorted(p.name for p in house.generations.folder.iterdir()) == ["000001", "CURRENT"]


def test_a_training_needs_a_thousand_images(tmp_path: Path) -> None:
    house = House(tmp_path)

    def check() -> None:
        with house.catalogue.reading() as transaction:
            check_training(transaction)

    with pytest.raises(NoSamples):
        check()
    house.add(1, 999)
    with pytest.raises(NeedMoreSamples, match="there are 999"):
        check()
    with pytest.raises(NoIndex):
        Admission(house.generations, tmp_path).check_update()
    house.add(1000, 1000)
    check()
    house.catalogue.close()


def test_without_triton_a_training_ends_and_nothing_is_checked(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.trainer = replace(house.trainer, twins=TwinCheck(house.catalogue.images, house.models()))
    phases = []
    task = house.trainer.run(house.claim("train"), lambda phase, progress: phases.append(phase))
    assert task.state == TaskState.OK
    assert phases[-3:] == ["measuring", "checking", "publishing"]
    assert house.generations.current().meta.quality.same_image is None
    assert "the probability of the same image was not checked" in caplog.text


def test_what_was_measured_of_a_draft_is_in_the_generation(house: House) -> None:
    task, model = house.claim("train"), house.catalogue.models.in_use()
    assert model is not None
    sealed = house.trainer.draft_training(task, model, lambda phase, progress: None)
    checked = Calibration(0.02, 0.97, 0.95, 100)
    made = measured(sealed, replace(sealed.meta.quality, same_image=checked))
    house.generations.publish(made.folder, keep=2)
    current = house.generations.current()
    assert current.meta == made.meta
    assert current.meta.quality.same_image == checked
    stats = Inventory(house.catalogue, house.generations).stats()
    assert stats.same_image == checked
