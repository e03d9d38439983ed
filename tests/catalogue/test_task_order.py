"""Tasks are in the order of their requests and their turns, whatever the clock says meanwhile."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, func, select, text, update

from sidecar.catalogue import (
    SWITCHES,
    Catalogue,
    SwitchReport,
    Task,
    TaskKind,
    open_catalogue,
)
from sidecar.catalogue.schema import tasks
from sidecar.errors import NeedMoreSamples, NoSamples, TaskWaits
from sidecar.tasks import turn
from sidecar.tasks.admission import FileFacts
from sidecar.tasks.turn import Turn
from tests.support.databases import upgrade_to

DAY_S = 86_400.0
LEASE_S = 1.0


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, LEASE_S)
    yield catalogue
    catalogue.close()


def claimed(catalogue: Catalogue, kind: TaskKind, version: int | None = None) -> Task:
    task = catalogue.tasks.claim(catalogue.tasks.request(kind, version).task_id)
    assert task is not None
    return task


def finished(catalogue: Catalogue, kind: TaskKind, report: Any = None) -> str:
    task = claimed(catalogue, kind)
    with catalogue.tasks.publishing(task) as publication:
        publication.record(report)
    return task.task_id


def set_clock_back(catalogue: Catalogue) -> None:
    """Makes all that was written until now a day younger than what follows: so it looks when the
    clock is set back by a day."""
    times = (tasks.c.created_at, tasks.c.finished_at, tasks.c.lease_until)
    with catalogue.database.writing() as connection:
        connection.execute(update(tasks).values({column: column + DAY_S for column in times}))


def count(catalogue: Catalogue) -> int:
    with catalogue.database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(tasks)).scalar_one())


def test_the_newest_task_is_the_last_one_requested_though_the_clock_went_back(
    catalogue: Catalogue,
) -> None:
    first = finished(catalogue, TaskKind.TRAIN)
    set_clock_back(catalogue)
    second = finished(catalogue, TaskKind.UPDATE)
    last = catalogue.summary.totals(0).last_task
    assert last is not None
    assert last.task_id == second
    assert [task.task_id for task in catalogue.tasks.recent(2)] == [second, first]


def test_the_last_of_a_kind_and_the_last_switch_are_those_of_now(catalogue: Catalogue) -> None:
    failed = claimed(catalogue, TaskKind.TRAIN)
    catalogue.tasks.fail(failed, NoSamples("none"))
    finished(catalogue, TaskKind.UPGRADE, SwitchReport(2, 1))
    set_clock_back(catalogue)
    well = finished(catalogue, TaskKind.TRAIN)
    finished(catalogue, TaskKind.UPGRADE, SwitchReport(3, 2))
    assert [t.task_id for t in catalogue.tasks.latest() if t.kind == TaskKind.TRAIN] == [well]
    reports = [task.report for task in catalogue.tasks.finished(SWITCHES)]
    assert reports == [SwitchReport(3, 2), SwitchReport(2, 1)]


def test_a_rollback_goes_to_the_version_before_though_the_clock_went_back(
    catalogue: Catalogue,
) -> None:
    records = [catalogue.models.adopt(1, "1" * 64, 8)]
    records += [catalogue.models.register(n, f"{n}" * 64, 8) for n in (2, 3)]
    for record in (records[2], records[1]):
        with catalogue.writing() as transaction:
            transaction.use(record)
        finished(catalogue, TaskKind.UPGRADE, SwitchReport(record.version, 1))
        set_clock_back(catalogue)
    with catalogue.reading() as transaction:
        assert FileFacts(frozenset({1, 2, 3})).version_before(transaction) == 3


def test_a_dead_workers_task_is_taken_over_in_time_though_the_clock_went_back(
    catalogue: Catalogue,
) -> None:
    task = claimed(catalogue, TaskKind.TRAIN)
    set_clock_back(catalogue)
    assert catalogue.tasks.deliverable() == []
    deadline = time.monotonic() + 3 * LEASE_S
    while not (found := catalogue.tasks.deliverable()):
        assert time.monotonic() < deadline, catalogue.tasks.get(task.task_id)
        time.sleep(0.1)
    assert [(each.task_id, each.lost) for each in found] == [(task.task_id, 1)]


def test_a_living_worker_keeps_its_task_when_the_clock_goes_back(catalogue: Catalogue) -> None:
    task = claimed(catalogue, TaskKind.TRAIN)
    set_clock_back(catalogue)
    assert catalogue.tasks.deliverable() == []  # which cuts the lease
    catalogue.tasks.renew(task, "adding", 0.5)
    assert catalogue.tasks.get(task.task_id).attempt == 1
    with catalogue.tasks.publishing(task):
        pass


def test_an_upgrade_has_its_turn_after_one_update_however_many_are_requested(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = claimed(catalogue, TaskKind.UPGRADE, 2)
    first = catalogue.tasks.request(TaskKind.UPDATE)
    with pytest.raises(TaskWaits):
        Turn(catalogue.tasks, upgrade).may_end()
    update_ = catalogue.tasks.claim(first.task_id)
    assert update_ is not None
    second = catalogue.tasks.request(TaskKind.UPDATE)  # while the first one runs
    with catalogue.tasks.publishing(update_):
        pass
    waiting = catalogue.tasks.deliverable()
    assert [task.task_id for task in waiting] == [upgrade.task_id, second.task_id]
    assert catalogue.tasks.claim(second.task_id) is None
    again = catalogue.tasks.claim(upgrade.task_id)
    assert again is not None
    theirs = Turn(catalogue.tasks, again)
    theirs.may_end()
    assert catalogue.tasks.get(upgrade.task_id).state == "running"
    monkeypatch.setattr(turn, "TURN_S", 0.0)  # its while is over
    with pytest.raises(TaskWaits):
        theirs.may_end()
    assert catalogue.tasks.claim(second.task_id) is not None


def test_an_upgrade_that_waits_is_overtaken_once(catalogue: Catalogue) -> None:
    running = claimed(catalogue, TaskKind.TRAIN)
    upgrade = catalogue.tasks.request(TaskKind.UPGRADE, 2)
    for kind in (TaskKind.UPDATE, TaskKind.TRAIN):
        catalogue.tasks.request(kind)
    with catalogue.tasks.publishing(running):
        pass
    kinds = [task.kind for task in catalogue.tasks.deliverable()]
    assert kinds == ["update", "train", "upgrade"]
    update_ = claimed(catalogue, TaskKind.UPDATE)
    with catalogue.tasks.publishing(update_):
        pass
    assert [task.kind for task in catalogue.tasks.deliverable()] == ["upgrade", "train"]
    assert catalogue.tasks.claim(upgrade.task_id) is not None


def test_what_fills_keywords_in_makes_way_for_every_other_kind(catalogue: Catalogue) -> None:
    fill = claimed(catalogue, TaskKind.FILL)
    theirs = Turn(catalogue.tasks, fill)
    theirs.may_end()
    upgrade = catalogue.tasks.request(TaskKind.UPGRADE, 2)
    with pytest.raises(TaskWaits):
        theirs.may_end()
    assert [task.kind for task in catalogue.tasks.deliverable()] == ["upgrade", "fill"]
    assert catalogue.tasks.claim(fill.task_id) is None
    assert catalogue.tasks.claim(upgrade.task_id) is not None


def test_what_fills_keywords_in_has_its_turn_after_one_update(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = claimed(catalogue, TaskKind.FILL)
    update_ = catalogue.tasks.request(TaskKind.UPDATE)
    with pytest.raises(TaskWaits):
        Turn(catalogue.tasks, fill).may_end()
    first = catalogue.tasks.claim(update_.task_id)
    assert first is not None
    for kind in (TaskKind.UPDATE, TaskKind.UPGRADE):
        catalogue.tasks.request(kind)
    with catalogue.tasks.publishing(first):
        pass
    kinds = [task.kind for task in catalogue.tasks.deliverable()]
    assert kinds == ["fill", "update", "upgrade"]
    again = catalogue.tasks.claim(fill.task_id)
    assert again is not None
    theirs = Turn(catalogue.tasks, again)
    theirs.may_end()
    monkeypatch.setattr(turn, "TURN_S", 0.0)  # its while is over
    with pytest.raises(TaskWaits):
        theirs.may_end()
    assert [task.kind for task in catalogue.tasks.deliverable()] == ["update", "upgrade", "fill"]


def test_refused_requests_leave_one_row_for_each_reason(catalogue: Catalogue) -> None:
    none = catalogue.tasks.refuse(TaskKind.TRAIN, NoSamples("none"))
    few = [catalogue.tasks.refuse(TaskKind.TRAIN, NeedMoreSamples(f"{n}")) for n in range(50)]
    assert count(catalogue) == 2
    assert {task.task_id for task in few} != {none.task_id}
    assert catalogue.tasks.get(few[0].task_id).detail == "49"
    catalogue.tasks.refuse(TaskKind.TRAIN, NoSamples("none"))
    assert catalogue.tasks.recent(1)[0].task_id == none.task_id  # it is the newest again


def test_tasks_of_the_release_before_are_numbered_in_their_order(database_url: str) -> None:
    engine = create_engine(database_url)
    columns = "(task_id, kind, state, phase, progress, attempt, lost, created_at)"
    with engine.begin() as connection:
        upgrade_to(connection, "0007")
        for moment in (3, 1, 2):
            row = f"('task-{moment}', 'train', 'waiting', 'waiting', 0, 0, 0, {moment})"
            connection.execute(text(f"INSERT INTO tasks {columns} VALUES {row}"))
    catalogue = open_catalogue(database_url, LEASE_S)
    assert [task.task_id for task in catalogue.tasks.recent(9)] == ["task-3", "task-2", "task-1"]
    with engine.begin() as connection:  # as its processes go on to write, beside ours
        row = "('task-4', 'update', 'waiting', 'waiting', 0, 0, 0, 0)"
        connection.execute(text(f"INSERT INTO tasks {columns} VALUES {row}"))
    engine.dispose()
    assert [task.task_id for task in catalogue.tasks.deliverable()][-1] == "task-4"
    assert catalogue.tasks.get("task-4").number == 4
    assert catalogue.tasks.request(TaskKind.UPGRADE, 2).number == 5
    catalogue.close()
