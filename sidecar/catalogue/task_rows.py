"""The rows of the table of tasks, within a transaction."""

import time
import uuid
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from sidecar.catalogue.marks import leave
from sidecar.catalogue.removals import newest as newest_removal
from sidecar.catalogue.schema import images, named, tasks
from sidecar.catalogue.task import SHORT, Task, TaskKind, TaskState
from sidecar.errors import SimilarityError, TaskLost, UnknownTask, WorkerLost
from sidecar.telemetry import request_ids

MOST_ATTEMPTS = 3
WORKER_LOST = WorkerLost(f"the worker was lost {MOST_ATTEMPTS} times; see its log")
REQUEUED = {
    "state": TaskState.WAITING,
    "phase": TaskState.WAITING,
    "progress": 0.0,
    "lease_until": None,
}
RUNNING = tasks.c.state == TaskState.RUNNING
WAITING = tasks.c.state == TaskState.WAITING


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
    request = {"request_id": request_ids.current() or None, "created_at": time.time()}
    connection.execute(insert(tasks).values(**row, **request))
    return get(connection, task_id)


def change(connection: Connection, which: ColumnElement[bool], values: dict[str, Any]) -> int:
    """Changes tasks; returns how many."""
    return connection.execute(update(tasks).where(which).values(values)).rowcount


def check_held(connection: Connection, task: Task) -> None:
    """Raises TaskLost unless this attempt still has the task."""
    if connection.execute(select(tasks.c.state).where(is_held(task))).first() is None:
        raise TaskLost(f"task {task.task_id} is no longer attempt {task.attempt}'s")


def snapshot(connection: Connection) -> dict[str, int | str]:
    """Returns what a task looks at: every image and every removal so far, and leaves a mark."""
    last_image = select(func.coalesce(func.max(images.c.seq), 0))
    return {
        "snapshot": connection.execute(last_image).scalar_one(),
        "removals": newest_removal(connection),
        "mark": leave(connection),
    }


def newest(connection: Connection, limit: int) -> list[Task]:
    """Returns at most `limit` tasks, the newest first."""
    query = select(tasks).order_by(tasks.c.created_at.desc()).limit(limit)
    return [read(row) for row in connection.execute(query)]


def next_in_turn(connection: Connection) -> list[Task]:
    """Returns the waiting tasks in the order of their turns; none while a task is running."""
    if any_running(connection):
        return []
    order = (tasks.c.kind.not_in(SHORT), tasks.c.created_at)
    query = select(tasks).where(WAITING).order_by(*order)
    return [read(row) for row in connection.execute(query)]


def any_abandoned(connection: Connection) -> bool:
    """Says whether the lease of a running task has run out."""
    query = select(tasks.c.task_id).where(_is_abandoned()).limit(1)
    return connection.execute(query).first() is not None


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


def expire(connection: Connection) -> None:
    """Puts tasks whose worker is silent back into the queue, and gives up those that have lost
    MOST_ATTEMPTS workers."""
    abandoned = _is_abandoned()
    change(connection, abandoned, {"lost": tasks.c.lost + 1})
    given_up = abandoned & (tasks.c.lost >= MOST_ATTEMPTS)
    finish(connection, given_up, TaskState.ERROR, WORKER_LOST)
    change(connection, abandoned, REQUEUED)


def _is_abandoned() -> ColumnElement[bool]:
    """Holds of running tasks whose lease has run out by now."""
    return RUNNING & (tasks.c.lease_until < time.time())
