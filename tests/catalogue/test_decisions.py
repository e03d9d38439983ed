"""Which tasks are taken and which are refused, however requests and work interleave."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.stack import ROOT
from sidecar.catalogue import Task, TaskKind
from sidecar.errors import (
    NoSamples,
    RepairRefused,
    SimilarityError,
    SwitchRefused,
    TaskLost,
    UnknownVersion,
)
from sidecar.index import BuildRules
from sidecar.models import contract as contracts
from sidecar.models.loader import ModelLoader
from sidecar.models.registry import ModelRegistry
from sidecar.operations.repair import repair
from sidecar.tasks.admission import Admission
from sidecar.tasks.backfill import Backfill
from sidecar.tasks.model_requests import ModelRequests
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.retirement import Retirement
from sidecar.tasks.scheduler import AutoUpdate, Scheduler
from sidecar.tasks.upgrade import Parts, Upgrader
from tests.support.house import DIMENSION, NOWHERE, House, describe, vector

FILES = {1: "a" * 64, 2: "b" * 64, 3: "c" * 64}
HELD_S = 0.5  # long enough for every request to have looked at things


class Plant(House):
    """A house with three versions in its model repository: 1 is in use, 2 is known, 3 is new."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url, exact_max=10**6)
        self.repository = folder / "models"
        for version in FILES:
            self.put(version)
        self.catalogue.models.register(2, FILES[2], DIMENSION)
        self.admission = Admission(self.generations, self.repository)
        queue = TaskQueue("redis://127.0.0.1:1/0")
        self.dispatcher = Scheduler(self.catalogue, self.admission, queue, AutoUpdate(1e-9))
        self.switches = ModelRequests(self.catalogue, self.admission, self.dispatcher)
        models = ModelRegistry(self.repository, self.catalogue.models, NOWHERE)
        self.versions = ModelLoader(self.repository, self.catalogue.models, NOWHERE, models)
        embedding = Backfill(self.catalogue.images, self.catalogue.features, models)
        self.parts = Parts(
            self.catalogue, self.generations, self.trainer, self.versions, embedding, self.admission
        )

    def put(self, version: int) -> None:
        describe(self.repository, version, FILES[version])

    def use(self, version: int) -> None:
        record = self.catalogue.models.numbered(version)
        assert record is not None
        with self.catalogue.writing() as transaction:
            transaction.use(record)

    def claimed(self, kind: TaskKind, version: int | None = None) -> Task:
        """A task that nobody has checked, as one that a release before has left."""
        task = self.catalogue.tasks.claim(self.catalogue.tasks.request(kind, version).task_id)
        assert task is not None
        return task

    def retire(self, task: Task) -> None:
        retirement = Retirement(self.catalogue, self.trainer, self.versions, self.admission)
        retirement.run(task, quiet)

    def at_once(self, *calls: Callable[[], Task]) -> list[str]:
        """What becomes of calls that have all looked at things before any of them could write."""
        ended: list[str] = []

        def ask(call: Callable[[], Task]) -> None:
            try:
                ended.append(call().kind)
            except SimilarityError as error:
                ended.append(error.word)

        threads = [threading.Thread(target=ask, args=(call,)) for call in calls]
        with self.catalogue.database.writing():
            for thread in threads:
                thread.start()
            time.sleep(HELD_S)
        for thread in threads:
            thread.join()
        return sorted(ended)

    def unfinished(self) -> list[tuple[str, int | None]]:
        recent = self.catalogue.tasks.recent(100)
        return [(task.kind, task.version) for task in recent if task.finished_at is None]


def quiet(phase: str, progress: float, figures: object = None) -> None:
    """Nobody listens."""


@pytest.fixture
def plant(tmp_path: Path, catalogue_url: str) -> Iterator[Plant]:
    plant = Plant(tmp_path, catalogue_url)
    yield plant
    plant.catalogue.close()


def test_of_an_upgrade_and_a_retirement_asked_for_at_once_one_is_refused(plant: Plant) -> None:
    switches = plant.switches
    ended = plant.at_once(lambda: switches.upgrade(2), lambda: switches.retire(2))
    assert ended in (["retire", "switch_refused"], ["switch_refused", "upgrade"])
    assert plant.unfinished() in ([("retire", 2)], [("upgrade", 2)])


def test_of_all_that_change_versions_at_once_one_is_taken(plant: Plant) -> None:
    plant.use(2)  # so that there is a way back
    switches = plant.switches
    calls = [
        switches.rollback,
        lambda: switches.upgrade(1),
        lambda: switches.upgrade(3),
        lambda: switches.retire(1),
        lambda: switches.retire(3),
    ]
    assert plant.at_once(*calls).count("switch_refused") == 4
    assert len(plant.unfinished()) == 1


def test_requests_for_the_same_at_once_are_one_task(plant: Plant) -> None:
    upgrade = plant.switches.upgrade
    assert plant.at_once(*[lambda: upgrade(2)] * 4) == ["upgrade"] * 4
    assert plant.unfinished() == [("upgrade", 2)]


def test_two_who_cancel_an_upgrade_at_once_stop_one(plant: Plant) -> None:
    plant.switches.upgrade(2)
    cancel = plant.switches.cancel
    assert plant.at_once(cancel, cancel) == ["switch_refused", "upgrade"]


def test_a_training_is_asked_for_by_what_is_there_when_it_is_written(plant: Plant) -> None:
    plant.add(1, 1000)
    ended: list[Task] = []
    asking = threading.Thread(target=lambda: ended.append(plant.dispatcher.request(TaskKind.TRAIN)))
    with plant.catalogue.database.writing() as connection:
        asking.start()
        time.sleep(HELD_S)
        for table in ("pictures", "features", "images"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE seq = 1000")
    asking.join()
    assert (ended[0].state, ended[0].message) == ("error", "need more samples")
    assert ended[0].detail == "a training needs at least 1000 images; there are 999"


def test_an_update_by_itself_is_asked_for_once(plant: Plant) -> None:
    plant.add(1, 1000)
    plant.run("train")
    plant.dispatcher.update_when_due()
    assert plant.unfinished() == []
    plant.add(1001, 1001)

    def due() -> Task:
        plant.dispatcher.update_when_due()
        return plant.catalogue.tasks.recent(1)[0]

    assert plant.at_once(due, due, due) == ["update"] * 3
    assert plant.unfinished() == [("update", None)]


def test_a_version_that_came_into_use_is_not_retired(plant: Plant) -> None:
    plant.add(1, 5)
    record = plant.catalogue.models.numbered(2)
    assert record is not None
    plant.catalogue.features.store(record, {n: vector(n) for n in range(1, 6)})
    task = plant.claimed(TaskKind.RETIRE, 2)
    plant.use(2)
    with pytest.raises(SwitchRefused, match="version 2 is in use"):
        plant.retire(task)
    assert contracts.numbers(plant.repository) == [1, 2, 3]
    assert plant.catalogue.features.count(record.model) == 5


def test_a_version_that_is_searched_with_is_not_retired(plant: Plant) -> None:
    plant.add(1, 1000)
    plant.run("train")
    task = plant.claimed(TaskKind.RETIRE, 1)
    plant.use(2)  # but the generation is of version 1 as yet
    with pytest.raises(SwitchRefused, match="version 1 is in use"):
        plant.retire(task)
    assert contracts.numbers(plant.repository) == [1, 2, 3]


def test_a_retirement_that_was_given_away_moves_nothing(plant: Plant) -> None:
    task = plant.claimed(TaskKind.RETIRE, 2)
    plant.catalogue.tasks.cancel(task.task_id)
    with pytest.raises(TaskLost):
        plant.retire(task)
    assert contracts.numbers(plant.repository) == [1, 2, 3]


@pytest.mark.parametrize(
    ("kind", "version", "error"),
    [
        (TaskKind.UPGRADE, 1, SwitchRefused),  # it has come into use meanwhile
        (TaskKind.UPGRADE, 9, UnknownVersion),  # it has gone from the repository
        (TaskKind.ROLLBACK, 2, SwitchRefused),  # it is not the one before
    ],
)
def test_a_switch_that_makes_no_sense_any_more_ends_where_it_begins(
    plant: Plant, kind: TaskKind, version: int, error: type[SimilarityError]
) -> None:
    task = plant.claimed(kind, version)
    with pytest.raises(error):
        Upgrader(plant.parts, task, quiet).run()
    in_use = plant.catalogue.models.in_use()
    assert in_use is not None
    assert (in_use.version, contracts.numbers(plant.repository)) == (1, [1, 2, 3])


def test_a_rollback_returns_to_the_version_before_and_only_to_that(plant: Plant) -> None:
    with pytest.raises(SwitchRefused, match="no version to go back to"):
        plant.switches.rollback()
    plant.use(2)
    assert plant.switches.rollback().version == 1
    plant.switches.cancel()
    plant.use(1)
    assert plant.switches.rollback().version == 2
    plant.switches.cancel()
    plant.catalogue.models.forget(2)
    plant.catalogue.models.register(2, "d" * 64, DIMENSION)  # another one, never in use
    with pytest.raises(SwitchRefused, match="no version to go back to"):
        plant.switches.rollback()


def test_a_refused_repair_leaves_no_task(plant: Plant) -> None:
    plant.add(1, 3)
    plant.claimed(TaskKind.UPDATE)
    rules = BuildRules(0, "cpu")
    with pytest.raises(RepairRefused):
        repair(plant.catalogue, plant.generations, rules)
    assert plant.unfinished() == [("update", None)]


def test_what_is_refused_at_once_is_a_task_that_says_why(plant: Plant) -> None:
    refused = plant.dispatcher.request(TaskKind.TRAIN)
    assert (refused.state, refused.message) == ("error", NoSamples.word)
    refused = plant.dispatcher.request(TaskKind.UPDATE)
    assert (refused.state, refused.message) == ("error", "no index, train first")


@pytest.mark.long
def test_both_that_a_release_before_has_queued_are_decided_by_the_worker(
    plant: Plant, tmp_path: Path
) -> None:
    retire = plant.catalogue.tasks.request(TaskKind.RETIRE, 2)
    upgrade = plant.catalogue.tasks.request(TaskKind.UPGRADE, 2)
    plant.use(2)
    for task in (retire, upgrade):
        environment = {
            **os.environ,
            "CATALOGUE_URL": plant.catalogue.database.url,
            "DATA_DIR": f"{tmp_path}",
            "MODEL_REPOSITORY": f"{plant.repository}",
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "TRITON_URL": "127.0.0.1:1",
        }
        script = f"from sidecar.tasks.runner import run; run({task.task_id!r})"
        subprocess.run([sys.executable, "-c", script], env=environment, cwd=ROOT, check=True)
        ended = plant.catalogue.tasks.get(task.task_id)
        expected = ("error", "switch_refused", "version 2 is in use")
        assert (ended.state, ended.message, ended.detail) == expected
    assert contracts.numbers(plant.repository) == [1, 2, 3]
