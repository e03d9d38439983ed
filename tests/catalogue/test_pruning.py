"""Which finished tasks are forgotten, and which stay because something depends on them."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select

from sidecar.catalogue import (
    SWITCHES,
    Agreement,
    Catalogue,
    SwitchReport,
    TaskKind,
    TaskState,
    open_catalogue,
    to_json,
)
from sidecar.catalogue.pruning import AT_ONCE, DAY_S, KEPT
from sidecar.catalogue.schema import tasks
from sidecar.errors import NoSamples
from sidecar.operations.backup import Backups
from tests.support.house import House

KEEP_DAYS = 7
OLD_S = (KEEP_DAYS + 1) * DAY_S


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, 30.0, KEEP_DAYS)
    for version in (1, 2, 3):
        catalogue.models.register(version, f"{version}" * 64, 8)
    yield catalogue
    catalogue.close()


def write(catalogue: Catalogue, count: int, ago_s: float, **more: Any) -> list[str]:
    """Tasks that were tried and ended so long ago, the first one first."""
    now = time.time() - ago_s
    with catalogue.database.reading() as connection:
        last = connection.execute(select(func.max(tasks.c.number))).scalar_one() or 0
    rows = [
        {
            "number": last + 1 + n,
            "task_id": str(uuid.uuid4()),
            "kind": TaskKind.TRAIN,
            "state": TaskState.OK,
            "attempt": 1,
            "created_at": now - count + n,
            "finished_at": now - count + n + 0.5,
            **more,
        }
        for n in range(count)
    ]
    with catalogue.database.writing() as connection:
        connection.execute(insert(tasks), rows)
    return [str(row["task_id"]) for row in rows]


def end_one(catalogue: Catalogue) -> str:
    return catalogue.tasks.refuse(TaskKind.TRAIN, NoSamples("nothing")).task_id


def there(catalogue: Catalogue) -> set[str]:
    with catalogue.database.reading() as connection:
        return set(connection.execute(select(tasks.c.task_id)).scalars())


def test_who_ends_a_task_forgets_the_old_ones_beyond_the_last_thousand(
    catalogue: Catalogue,
) -> None:
    old = write(catalogue, KEPT + 20, OLD_S)
    ended = end_one(catalogue)
    assert there(catalogue) == {*old[21:], ended}  # one of the newest 1,000 is the one that ended


def test_young_tasks_stay_however_many(catalogue: Catalogue) -> None:
    young = write(catalogue, KEPT + 20, OLD_S - 2 * DAY_S)
    ended = end_one(catalogue)
    assert there(catalogue) == {*young, ended}


def test_however_many_are_old_none_takes_long_to_forget(catalogue: Catalogue) -> None:
    old = write(catalogue, KEPT + 2 * AT_ONCE, OLD_S)
    end_one(catalogue)
    assert len(there(catalogue)) == len(old) + 1 - AT_ONCE
    end_one(catalogue)
    end_one(catalogue)
    assert len(there(catalogue)) == KEPT


def test_each_way_to_end_a_task_forgets(catalogue: Catalogue) -> None:
    def ok() -> None:
        claimed = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.UPDATE).task_id)
        assert claimed is not None
        with catalogue.tasks.publishing(claimed):
            pass

    def failed() -> None:
        claimed = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.UPDATE).task_id)
        assert claimed is not None
        catalogue.tasks.fail(claimed, NoSamples("nothing"))

    def cancelled() -> None:
        catalogue.tasks.cancel(catalogue.tasks.request(TaskKind.UPDATE).task_id)

    write(catalogue, KEPT, OLD_S)
    for end in (ok, failed, cancelled):
        write(catalogue, 10, OLD_S)
        end()
        assert len(there(catalogue)) <= KEPT + 1, end


def test_what_something_depends_on_stays(catalogue: Catalogue) -> None:
    """The rule: an answer that looks into old tasks is the same before and after."""

    def switched(version: int, other: int, share: float, days: int) -> str:
        report = SwitchReport(version, other, None, Agreement(share, other))
        more = {"kind": TaskKind.UPGRADE, "version": version, "report": to_json(report)}
        return write(catalogue, 1, OLD_S + days * DAY_S, **more)[0]

    unfinished = write(
        catalogue, 2, OLD_S + 99 * DAY_S, state=TaskState.WAITING, finished_at=None, attempt=0
    )
    covered = [
        *write(catalogue, 1, OLD_S + 90 * DAY_S, snapshot=500, removals=1),
        *write(catalogue, 1, OLD_S + 80 * DAY_S, snapshot=400, removals=7, state="cancelled"),
    ]
    forgotten = [switched(2, 1, 0.5, 70), switched(9, 1, 0.3, 69)]  # 9 is not known any more
    agreed = [switched(3, 2, 0.7, 60), switched(1, 2, 0.6, 50)]
    failed = write(catalogue, 1, OLD_S + 40 * DAY_S, kind=TaskKind.RETIRE, state=TaskState.ERROR)
    rest = write(catalogue, KEPT + 100, OLD_S)
    before = answers(catalogue)
    end_one(catalogue)
    left = there(catalogue)
    assert {*unfinished, *covered, *agreed, *failed} <= left
    assert not {*forgotten, *rest[:99]} & left
    assert answers(catalogue) == before
    assert before["covered"] == (500, 7, 0)


def test_a_backup_needs_no_task_of_its_generation(tmp_path: Path, catalogue_url: str) -> None:
    """An index may be years older than the tasks that are kept."""
    house = House(tmp_path, catalogue_url, exact_max=10**6)
    house.add(1, 1000)
    house.run("train")
    with house.catalogue.database.writing() as connection:
        connection.execute(delete(tasks))
    house.remove(7)
    Backups(house.catalogue, house.generations).backup(tmp_path / "copy", lambda *_: None)
    again = House(tmp_path / "again")
    Backups(again.catalogue, again.generations).restore(tmp_path / "copy", lambda *_: None)
    assert again.catalogue.images.count() == 999
    assert again.generations.current().meta.images == 1000
    assert again.problems() == []
    again.catalogue.close()
    house.catalogue.close()


def answers(catalogue: Catalogue) -> dict[str, Any]:
    agreements: dict[frozenset[int], float | None] = {}
    for task in catalogue.tasks.finished(SWITCHES):
        report = task.report
        assert isinstance(report, SwitchReport)
        assert report.agreement is not None
        if {report.version, report.agreement.other} <= {1, 2, 3}:
            pair = frozenset((report.version, report.agreement.other))
            agreements.setdefault(pair, report.agreement.at_10)
    latest = {(task.kind, task.state, task.finished_at) for task in catalogue.tasks.latest()}
    covered = catalogue.tasks.covered()
    return {"covered": covered, "latest": latest, "agreements": agreements}
