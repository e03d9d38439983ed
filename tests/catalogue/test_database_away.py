"""PostgreSQL is killed in the middle of a task, and comes back: the task waits and goes on, and
publishes once."""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import postgres
from local.ports import HOST, LaunchRefused, free_ports
from sidecar.catalogue import Progress, Task, TaskKind, TaskState
from sidecar.catalogue.claimed_tasks import Publication, Tasks
from sidecar.catalogue.task_rows import MOST_ATTEMPTS
from sidecar.errors import CatalogueUnavailable, SimilarityError
from sidecar.index.store import GenerationStore
from sidecar.tasks import runner
from sidecar.tasks.heartbeat import Heartbeat
from tests.support.databases import new_database
from tests.support.house import House
from tests.support.restartable import Restartable, restartable

pytestmark = pytest.mark.long

AWAY_S = 1.0
IMAGES = 1500

Act = Callable[[], object]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Restartable, str]]:
    """A PostgreSQL that a test may kill, and its URL."""
    try:
        postgres.programs()
    except LaunchRefused as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        [port] = free_ports(1)
        start = postgres.server(Path(folder), HOST, port, durable=False)
        with restartable(start) as process:
            yield process, postgres.url(HOST, port)


@pytest.fixture
def house(
    server: tuple[Restartable, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """Images to train on, by the settings of a worker that lives in this process."""
    url = new_database(server[1])
    settings = {
        "CATALOGUE_URL": url,
        "DATA_DIR": f"{tmp_path}",
        "MODEL_REPOSITORY": f"{tmp_path}/described",
        "REDIS_URL": "redis://127.0.0.1:1/0",  # the scheduler's round delivers
        "TRITON_URL": "127.0.0.1:1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(runner, "_die_with_parent", lambda: None)
    monkeypatch.setattr(runner, "RETRY_S", 0.1)
    house = House(tmp_path, url)
    house.add(1, IMAGES)
    yield house
    house.catalogue.close()


@pytest.fixture
def outage(server: tuple[Restartable, str]) -> Iterator[Act]:
    """Kills the server and returns; it is back after AWAY_S, when the test has ended at the latest.
    The second call does nothing."""
    process, back = server[0], threading.Timer(AWAY_S, server[0].start)

    def strike() -> None:
        if not back.ident:
            process.kill()
            back.start()

    yield strike
    assert back.ident, "the server was killed"
    back.join()


def run(house: House, task: Task) -> Task:
    """Does what a worker does with a job, and returns the task as it is then."""
    runner.run(task.task_id)
    return house.catalogue.tasks.get(task.task_id)


def strike_at(phase: str, monkeypatch: pytest.MonkeyPatch, strike: Act) -> None:
    """Has the first attempt to report a phase meet an outage."""
    report = Heartbeat.report

    def reported(
        self: Heartbeat, now: str, progress: float, figures: Progress | None = None
    ) -> None:
        report(self, now, progress, figures)
        if now == phase:
            strike()

    monkeypatch.setattr(Heartbeat, "report", reported)


def test_a_training_that_loses_the_database_begins_again_when_it_is_back(
    house: House, outage: Act, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    strike_at("reading", monkeypatch, outage)
    task = house.catalogue.tasks.request(TaskKind.TRAIN)
    now = run(house, task)
    assert (now.state, now.attempt, now.lost, now.message) == ("waiting", 1, 1, None)
    assert f"train {task.task_id} has lost the database: the catalogue: " in caplog.text
    assert [each.task_id for each in house.catalogue.tasks.deliverable()] == [task.task_id]
    done = run(house, task)
    assert (done.state, done.attempt, done.generation, done.images) == ("ok", 2, 1, IMAGES)
    assert house.generations.numbers() == [1]
    assert house.problems() == []


def test_an_index_that_is_made_waits_for_the_database_to_be_published_in(
    house: House, outage: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    strike_at("publishing", monkeypatch, outage)
    done = run(house, house.catalogue.tasks.request(TaskKind.TRAIN))
    assert (done.state, done.attempt, done.lost, done.generation) == ("ok", 1, 0, 1)


def test_a_commit_that_is_lost_is_made_by_the_next_attempt(
    house: House, outage: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = GenerationStore.publish

    def struck(self: GenerationStore, draft: Path, keep: int) -> int:
        number = publish(self, draft, keep)
        outage()
        return number

    monkeypatch.setattr(GenerationStore, "publish", struck)
    task = house.catalogue.tasks.request(TaskKind.TRAIN)
    assert run(house, task).state == TaskState.WAITING
    done = run(house, task)
    assert (done.state, done.attempt, done.generation) == ("ok", 2, 2)
    assert house.generations.current().number == 2
    assert house.problems() == []


def test_a_commit_whose_answer_is_lost_is_not_made_twice(
    house: House, outage: Act, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publishing = Tasks.publishing

    @contextmanager
    def unanswered(self: Tasks, task: Task) -> Iterator[Publication]:
        with publishing(self, task) as publication:
            yield publication
        outage()
        self.get(task.task_id)  # which fails, as the commit's answer would have

    monkeypatch.setattr(Tasks, "publishing", unanswered)
    caplog.set_level("INFO")
    task = house.catalogue.tasks.request(TaskKind.TRAIN)
    done = run(house, task)
    assert (done.state, done.attempt, done.generation) == ("ok", 1, 1)
    assert f"train {task.task_id} published generation 1" in caplog.text
    assert run(house, task) == done  # delivered once more
    assert house.generations.numbers() == [1]


def test_no_worker_is_given_up_for_the_heartbeats_that_no_database_could_take(
    house: House, outage: Act
) -> None:
    """The outage is longer than the lease; the sidecar's round goes on asking meanwhile."""
    tasks = Tasks(house.catalogue.database, AWAY_S / 2, 30.0)
    claimed = tasks.claim(tasks.request(TaskKind.TRAIN).task_id)
    assert claimed is not None
    outage()
    assert _fails(tasks.deliverable)
    while _fails(tasks.deliverable):
        time.sleep(0.1)
    now = tasks.get(claimed.task_id)
    assert (now.state, now.attempt, now.lost) == ("running", 1, 0)
    tasks.release(claimed.task_id)  # a worker that is dead is still found out
    assert [each.lost for each in tasks.deliverable()] == [1]


def test_a_database_that_fails_each_attempt_ends_the_task_with_its_error(house: House) -> None:
    tasks, error = house.catalogue.tasks, CatalogueUnavailable("the catalogue: no such column")
    task = tasks.request(TaskKind.TRAIN)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        claimed = tasks.claim(task.task_id)
        assert claimed is not None
        now = tasks.start_again(claimed, error, anew=False)
        assert now.lost == attempt
    assert (now.state, now.message, now.detail) == ("error", error.word, str(error))


def test_an_attempt_that_did_well_for_long_is_not_counted(house: House) -> None:
    tasks, error = house.catalogue.tasks, CatalogueUnavailable("away")
    task = tasks.request(TaskKind.TRAIN)
    for _ in range(2 * MOST_ATTEMPTS):
        claimed = tasks.claim(task.task_id)
        assert claimed is not None
        now = tasks.start_again(claimed, error, anew=True)
    assert (now.state, now.lost, now.attempt) == ("waiting", 0, 2 * MOST_ATTEMPTS)


def test_an_attempt_that_was_succeeded_puts_nothing_back(house: House) -> None:
    tasks = house.catalogue.tasks
    first = house.claim("train")
    tasks.give_back(first.task_id)
    second = tasks.claim(first.task_id)
    assert second is not None
    now = tasks.start_again(first, CatalogueUnavailable("away"), anew=False)
    assert (now.state, now.attempt, now.lost) == ("running", 2, 0)


def _fails(act: Callable[[], object]) -> bool:
    try:
        act()
    except SimilarityError:
        return True
    return False
