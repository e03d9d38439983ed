"""The rows of the table of tasks, within a transaction."""

import time
import uuid
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from sidecar.catalogue.clock import DatabaseTime
from sidecar.catalogue.marks import leave
from sidecar.catalogue.metadata import newest as newest_change
from sidecar.catalogue.removals import newest as newest_removal
from sidecar.catalogue.schema import images, named, tasks
from sidecar.catalogue.task import LAST, SHORT, Task, TaskKind, TaskState
from sidecar.errors import SimilarityError, TaskLost, UnknownTask, WorkerLost
from sidecar.telemetry import request_ids

MOST_ATTEMPTS = 3
LEASE_SLACK_S = 1.0  # of a lease that is longer than any worker writes
WORKER_LOST = WorkerLost(f"the worker was lost {MOST_ATTEMPTS} times; see its log")
REQUEUED = {
    "state": TaskState.WAITING,
    "phase": TaskState.WAITING,
    "progress": 0.0,
    "lease_until": None,
}
RUNNING = tasks.c.state == TaskState.RUNNING
WAITING = tasks.c.state == TaskState.WAITING
IS_SHORT = tasks.c.kind.in_(SHORT)
IS_LAST = tasks.c.kind.in_(LAST)


def is_task(task_id: str) -> ColumnElement[bool]:
    """Holds of the task with an id."""
    return named(tasks.c.task_id, task_id)


def is_held(task: Task) -> ColumnElement[bool]:
    """Holds of a claimed task, if this attempt still has it."""
    return is_task(task.task_id) & RUNNING & (tasks.c.attempt == task.attempt)


def read(row: Row[Any]) -> Task:
    """Returns the task in a whole row."""
    return Task.of(row._asdict())


def get(connection: Connection, task_id: str) -> Task:
    """Returns the task with an id. Raises UnknownTask."""
    row = connection.execute(select(tasks).where(is_task(task_id))).one_or_none()
    if row is None:
        raise UnknownTask(f"no task has the id {task_id}")
    return read(row)


def queue(connection: Connection, kind: TaskKind, version: int | None) -> Task:
    """Inserts a task that waits."""
    task_id = str(uuid.uuid4())
    row = {"task_id": task_id, "kind": kind, "version": version, "state": TaskState.WAITING}
    connection.execute(insert(tasks).values(**row, **_request(connection)))
    return get(connection, task_id)


def request_again(connection: Connection, task_id: str) -> None:
    """Makes a task the newest request."""
    change(connection, is_task(task_id), _request(connection))


def _request(connection: Connection) -> dict[str, Any]:
    """Returns what a row says of the request for it, which is the newest one."""
    _number_strays(connection)
    return {
        "number": _last_number(connection) + 1,
        "request_id": request_ids.current() or None,
        "created_at": time.time(),
    }


def _last_number(connection: Connection) -> int:
    # The newest tasks are never deleted (pruning.py), so no number is used twice.
    return int(connection.execute(select(func.coalesce(func.max(tasks.c.number), 0))).scalar_one())


def _number_strays(connection: Connection) -> None:
    """Numbers what a process of the release before has queued, which counts no requests."""
    strays = select(tasks.c.task_id).where(tasks.c.number.is_(None)).order_by(tasks.c.created_at)
    for task_id in connection.execute(strays).scalars().all():
        change(connection, is_task(task_id), {"number": _last_number(connection) + 1})


def change(connection: Connection, which: ColumnElement[bool], values: dict[str, Any]) -> int:
    """Changes tasks; returns how many."""
    return connection.execute(update(tasks).where(which).values(values)).rowcount


def check_held(connection: Connection, task: Task) -> None:
    """Raises TaskLost unless this attempt still has the task."""
    if connection.execute(select(tasks.c.state).where(is_held(task))).first() is None:
        raise TaskLost(f"task {task.task_id} is no longer attempt {task.attempt}'s")


def snapshot(connection: Connection) -> dict[str, int | str]:
    """Returns what a task looks at: every image, removal and change so far, and leaves a mark."""
    last_image = select(func.coalesce(func.max(images.c.seq), 0))
    return {
        "snapshot": connection.execute(last_image).scalar_one(),
        "removals": newest_removal(connection),
        "changes": newest_change(connection),
        "mark": leave(connection),
    }


def newest(connection: Connection, limit: int) -> list[Task]:
    """Returns at most `limit` tasks, the newest first."""
    query = select(tasks).order_by(tasks.c.number.desc()).limit(limit)
    return [read(row) for row in connection.execute(query)]


def running(connection: Connection) -> Task | None:
    """Returns the task that runs, if one does."""
    row = connection.execute(select(tasks).where(RUNNING)).first()
    return None if row is None else read(row)


def next_in_turn(connection: Connection) -> list[Task]:
    """Returns the waiting tasks in the order of their turns; none while a task is running.

    Trainings and updates overtake the long kinds, each of these once; what comes last makes way for
    all of these, and has its turn only when it was overtaken.
    """
    if any_running(connection):
        return []
    order = (~tasks.c.overtaken, ~IS_SHORT, IS_LAST, tasks.c.number)
    query = select(tasks).where(WAITING).order_by(*order)
    return [read(row) for row in connection.execute(query)]


def may_start(connection: Connection, task: Task) -> bool:
    """Says whether a waiting task may start: none is running, none waits that it makes way for, and
    it has not overtaken those that wait once already."""
    if any_running(connection):
        return False
    if task.kind in LAST:
        return task.overtaken or not any_goes_first(connection, task)
    ahead = select(tasks.c.task_id).where(WAITING, tasks.c.overtaken)
    return task.kind not in SHORT or connection.execute(ahead.limit(1)).first() is None


def any_goes_first(connection: Connection, task: Task) -> bool:
    """Says whether a task waits that a long one makes way for: a training or an update, and for
    what comes last any other kind."""
    others = ~IS_LAST if task.kind in LAST else IS_SHORT
    query = select(tasks.c.task_id).where(WAITING, others).limit(1)
    return connection.execute(query).first() is not None


def overtake(connection: Connection, task: Task) -> None:
    """Notes in the long tasks that wait that a task has gone first."""
    if task.kind in SHORT:
        change(connection, WAITING & ~IS_SHORT, {"overtaken": True})


def lease_end(lease_s: float) -> ColumnElement[float]:
    """Returns when a lease of so many seconds runs out that begins now."""
    return DatabaseTime() + lease_s


def needs_care(connection: Connection, lease_s: float) -> bool:
    """Says whether `tend` would change anything."""
    odd = _is_abandoned() | _is_too_long(lease_s) | tasks.c.number.is_(None)
    return connection.execute(select(tasks.c.task_id).where(odd).limit(1)).first() is not None


def any_running(connection: Connection) -> bool:
    """Says whether a task is running."""
    return connection.execute(select(tasks.c.task_id).where(RUNNING)).first() is not None


def finish(
    connection: Connection,
    which: ColumnElement[bool],
    state: TaskState,
    error: SimilarityError | None = None,
) -> None:
    """Ends tasks, with the word and the sentence of an error where there is one."""
    end: dict[str, Any] = {"state": state, "finished_at": time.time(), "lease_until": None}
    if error is not None:
        end |= {"message": error.word, "detail": str(error) or None}
    change(connection, which, end)


def tend(connection: Connection, lease_s: float) -> None:
    """Puts tasks whose worker is silent back into the queue, and gives up those that have lost
    MOST_ATTEMPTS workers.

    A lease that ends later than one that begins now was written before the clock was set back: it
    is cut, so that a dead worker's task waits for no clock.
    """
    _number_strays(connection)
    change(connection, _is_too_long(lease_s), {"lease_until": lease_end(lease_s)})
    abandoned = _is_abandoned()
    change(connection, abandoned, {"lost": tasks.c.lost + 1})
    given_up = abandoned & (tasks.c.lost >= MOST_ATTEMPTS)
    finish(connection, given_up, TaskState.ERROR, WORKER_LOST)
    change(connection, abandoned, REQUEUED)


def spare(connection: Connection, lease_s: float) -> None:
    """Gives tasks whose lease has run out another one, for heartbeats that could not be written."""
    change(connection, _is_abandoned(), {"lease_until": lease_end(lease_s)})


def _is_abandoned() -> ColumnElement[bool]:
    """Holds of running tasks whose lease has run out by now."""
    return RUNNING & (tasks.c.lease_until < DatabaseTime())


def _is_too_long(lease_s: float) -> ColumnElement[bool]:
    """Holds of running tasks whose lease ends later than any that begins now."""
    return RUNNING & (tasks.c.lease_until > lease_end(lease_s + LEASE_SLACK_S))
