"""The parts of an upgrade one by one, on a catalogue and an index without servers."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sidecar.catalogue import ModelRecord, NewImage, TaskKind
from sidecar.errors import ModelReplaced, StorageFull
from sidecar.index import GenerationStore
from sidecar.index.agreement import agreement
from sidecar.tasks.disk_space import check_room
from tests.support.house import DIMENSION, House, vector

IMAGES = 1000


@pytest.fixture(scope="module")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    house = House(folder)
    house.add(1, IMAGES)
    house.run("train")
    house.catalogue.close()
    return folder


@pytest.fixture
def trained(trained_folder: Path, tmp_path: Path) -> Iterator[House]:
    shutil.copytree(trained_folder, tmp_path, dirs_exist_ok=True)
    house = House(tmp_path)
    yield house
    house.catalogue.close()


def another_model(house: House, turned: bool = True) -> ModelRecord:
    """One that has features of every image: those of the first, or with half of them reversed."""
    record = house.catalogue.models.register(2, "b" * 64, DIMENSION)
    signs = np.where(np.arange(DIMENSION) % 2, 1, -1).astype(np.float32)
    made = {n: vector(n) for n in range(1, IMAGES + 1)}
    if turned:
        made = {n: vector(n)[::-1] * signs for n in made}
        made |= {n: vector(-n % 997) for n in range(1, IMAGES // 2)}
    house.catalogue.features.store(record, made)
    return record


def take(house: House, record: ModelRecord) -> None:
    with house.catalogue.writing() as transaction:
        transaction.use(record)


def test_an_update_of_an_index_of_another_model_is_a_training(trained: House) -> None:
    take(trained, another_model(trained))
    done = trained.run("update")
    current = trained.generations.current()
    assert (done.images, current.meta.version, current.number) == (IMAGES, 2, 2)
    assert trained.problems() == []


def test_the_last_generation_of_each_model_stays(trained: House) -> None:
    trained.add(IMAGES + 1, IMAGES + 1)
    trained.run("update")
    assert trained.generations.numbers() == [1, 2]
    record = another_model(trained)
    trained.catalogue.features.store(record, {IMAGES + 1: vector(IMAGES + 1)})
    take(trained, record)
    for _ in range(3):
        trained.run("train")
    assert trained.generations.numbers() == [2, 4, 5]
    newest = trained.generations.newest_of("a" * 64)
    assert newest is not None
    assert newest.number == 2
    trained.generations.discard("a" * 64)
    assert trained.generations.numbers() == [4, 5]
    assert trained.generations.newest_of("a" * 64) is None


def test_a_draft_that_waits_is_open_when_it_is_published(trained: House) -> None:
    reader = GenerationStore(trained.generations.folder)
    before = reader.current()
    assert reader.upcoming() is None
    task = trained.claim("train")
    in_use = trained.catalogue.models.in_use()
    assert in_use is not None
    with trained.trainer.drafting(task):
        sealed = trained.trainer.draft_training(task, in_use, lambda phase, progress: None)
        upcoming = reader.upcoming()
        assert upcoming is not None
        assert upcoming.number == 0
        assert reader.current() is before
        trained.generations.publish(sealed.folder, keep=2)
    current = reader.current()
    assert (current.number, current.searchable) == (2, upcoming.searchable)
    assert reader.upcoming() is None


def test_an_image_without_features_of_the_model_in_use_is_refused(trained: House) -> None:
    first, record = trained.model, another_model(trained)
    take(trained, record)
    late = NewImage("late", "sha", b"jpeg", {first: vector(1)})
    with pytest.raises(ModelReplaced):
        trained.catalogue.adds.add(late)
    both = NewImage("late", "sha", b"jpeg", {first: vector(1), record: vector(2)})
    trained.catalogue.adds.add(both)
    assert trained.catalogue.images.get("late").versions == [1, 2]


def test_a_model_joins_only_while_a_task_is_to_bring_it_into_use(trained: House) -> None:
    models, tasks = trained.catalogue.models, trained.catalogue.tasks
    record = another_model(trained)
    models.join(record)
    assert models.joining() is None
    task = tasks.request(TaskKind.UPGRADE, 2)
    assert models.joining() == record
    tasks.cancel(task.task_id)
    assert models.joining() is None


def test_an_upgrade_makes_way_for_an_update_and_is_not_lost_by_that(trained: House) -> None:
    tasks = trained.catalogue.tasks
    upgrade = tasks.claim(tasks.request(TaskKind.UPGRADE, 2).task_id)
    assert upgrade is not None
    assert not tasks.make_way(upgrade)
    update = tasks.request(TaskKind.UPDATE)
    assert tasks.make_way(upgrade)
    assert [task.kind for task in tasks.deliverable()] == ["update", "upgrade"]
    claimed = tasks.claim(update.task_id)
    assert claimed is not None
    trained.trainer.run(claimed, lambda phase, progress: None)
    again = tasks.claim(upgrade.task_id)
    assert again is not None
    assert (again.attempt, again.lost) == (2, 0)


def test_only_images_without_features_are_missing(trained: House) -> None:
    record = trained.catalogue.models.register(2, "b" * 64, DIMENSION)
    vectors = trained.catalogue.features
    vectors.store(record, {n: vector(n) for n in range(1, 991)} | {5000: vector(1)})
    assert vectors.count(record.model) == 990  # of an image that is not there, none
    found = vectors.missing(record.model, after=992, up_to=998, limit=4)
    assert [picture.seq for picture in found] == [993, 994, 995, 996]
    assert vectors.discard(record.model, 900) == 900
    assert vectors.count(record.model) == 90


def test_two_models_agree_as_far_as_they_name_the_same_neighbours(trained: House) -> None:
    old = trained.generations.current()
    assert agreement(old, old) == 1
    take(trained, another_model(trained))
    trained.run("train")
    share = agreement(old, trained.generations.current())
    assert share is not None
    assert 0 < share < 0.6


def test_an_upgrade_without_room_is_refused_at_the_start(
    trained: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = trained.catalogue.models.register(2, "b" * 64, DIMENSION)
    check_room(trained.catalogue, record, trained.generations)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500_000))
    with pytest.raises(StorageFull, match=r"needs about 0\.8 MB, .* has 0\.5 MB free"):
        check_room(trained.catalogue, record, trained.generations)
