"""How a claimed task ends: with all that its block writes, or as if it had not begun to."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from sidecar.catalogue import (
    Catalogue,
    IndexReport,
    ModelRecord,
    NewImage,
    Task,
    TaskKind,
    TaskState,
    open_catalogue,
)
from sidecar.errors import TaskLost

REPORT = IndexReport(0.96, 0.95, [], [])


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, 30.0)
    catalogue.models.adopt(1, "a" * 64, 8)
    yield catalogue
    catalogue.close()


def claimed(catalogue: Catalogue) -> Task:
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.TRAIN).task_id)
    assert task is not None
    return task


def other(catalogue: Catalogue) -> ModelRecord:
    return catalogue.models.register(2, "b" * 64, 8)


def in_use(catalogue: Catalogue) -> int:
    record = catalogue.models.in_use()
    assert record is not None
    return record.version


def test_what_a_block_sets_and_writes_is_there_when_it_has_ended(catalogue: Catalogue) -> None:
    task, record = claimed(catalogue), other(catalogue)
    with catalogue.tasks.publishing(task) as publication:
        publication.transaction.use(record)
        publication.record(REPORT, generation=7, images=1200)
    ended = publication.task
    assert ended == catalogue.tasks.get(task.task_id)
    assert (ended.state, ended.generation, ended.images) == (TaskState.OK, 7, 1200)
    assert (ended.report, ended.progress, in_use(catalogue)) == (REPORT, 1.0, 2)


def test_a_block_that_fails_publishes_nothing_and_leaves_the_task(catalogue: Catalogue) -> None:
    task, record = claimed(catalogue), other(catalogue)
    with pytest.raises(RuntimeError), catalogue.tasks.publishing(task) as publication:
        publication.transaction.use(record)
        publication.record(REPORT, generation=7, images=1200)
        raise RuntimeError
    assert (catalogue.tasks.get(task.task_id), in_use(catalogue)) == (task, 1)


def test_an_attempt_that_lost_its_task_runs_no_block(catalogue: Catalogue) -> None:
    task = claimed(catalogue)
    catalogue.tasks.cancel(task.task_id)
    with pytest.raises(TaskLost), catalogue.tasks.holding(task):
        pytest.fail("it ran all the same")
    with pytest.raises(TaskLost), catalogue.tasks.publishing(task):
        pytest.fail("it ran all the same")


def test_nobody_else_writes_while_a_block_runs(catalogue: Catalogue) -> None:
    task = claimed(catalogue)
    stored: list[float] = []

    def add() -> None:
        image = NewImage(
            "late", "sha", b"jpeg", {ModelRecord(1, 1, "a" * 64, 8): np.ones(8, np.float32)}
        )
        catalogue.adds.add(image)
        stored.append(time.monotonic())

    adding = threading.Thread(target=add)
    with catalogue.tasks.publishing(task):
        adding.start()
        time.sleep(0.5)
        ended = time.monotonic()
    adding.join()
    assert stored[0] > ended
    assert catalogue.images.count() == 1


def test_a_transaction_that_looks_sees_one_moment(catalogue: Catalogue) -> None:
    record = other(catalogue)
    with catalogue.reading() as moment:
        assert moment.models.previous() is None
        with catalogue.writing() as transaction:
            transaction.use(record)
        assert moment.models.previous() is None
        with pytest.raises(AssertionError, match="only reads"):
            moment.tasks.request(TaskKind.TRAIN)
    before = catalogue.models.previous()
    assert before is not None
    assert before.version == 1


def test_a_connection_is_opened_while_somebody_writes(catalogue: Catalogue) -> None:
    """Rather than when the other has written: to open one must take no lock."""
    with catalogue.writing():
        late = open_threads(catalogue, 4)
    assert late == [1] * 4


def open_threads(catalogue: Catalogue, threads: int) -> list[int]:
    """What so many threads see at once, each by a connection of its own."""
    seen: list[int] = []
    together = threading.Barrier(threads)

    def look() -> None:
        with catalogue.reading() as moment:
            record = moment.models.in_use()
            together.wait(10)
            seen.append(0 if record is None else record.version)

    started = [threading.Thread(target=look) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return seen
