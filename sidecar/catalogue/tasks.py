"""The table of tasks, which is the queue: what is asked for, by whom it is run, how it ended.

    waiting ──claim──► running ──publish──► ok
       ▲                  │ ├──fail────────► error
       └──lease runs out──┘ └──cancel──────► cancelled      (cancel: from waiting, too)

A claim takes a snapshot (the largest sequence number and removal so far), a lease and an attempt
number. The
attempt is a fencing token: whoever publishes shows it, so that a worker that was thought dead can't
overwrite what its successor made.
Source: M. Kleppmann, "How to do distributed locking", 2016.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from sidecar.catalogue.database import Database
from sidecar.catalogue.removals import newest as newest_removal
from sidecar.catalogue.schema import images, tasks
from sidecar.errors import SimilarityError, TaskFinished, TaskLost, UnknownTask, WorkerLost

MOST_ATTEMPTS = 3
WORKER_LOST = WorkerLost(f"the worker was lost {MOST_ATTEMPTS} times; see its log")
FINISHED = ("ok", "error", "cancelled")


@dataclass(frozen=True)
class Task:
    """A row of the table; `schema.tasks` says what each column means."""

    task_id: str
    kind: str
    state: str
    phase: str
    progress: float
    message: str | None
    detail: str | None
    attempt: int
    snapshot: int | None
    removals: int | None
    lease_until: float | None
    generation: int | None
    images: int | None
    report: dict[str, Any] | None
    created_at: float
    finished_at: float | None


@dataclass(frozen=True)
class Published:
    """What a task left behind: the number of a generation, how many images are in it, and what was
    measured of it, fit for JSON."""

    generation: int
    images: int
    report: dict[str, Any]


class Tasks:
    """Every change of a task is one short transaction."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self.lease_s = lease_s

    def request(self, kind: str) -> Task:
        """Join the waiting task of this kind, which has yet to take its snapshot, or queue one."""
        waiting = (tasks.c.kind == kind) & (tasks.c.state == "waiting")
        with self._database.writing() as connection:
            row = connection.execute(select(tasks).where(waiting)).first()
            return _task(row) if row is not None else _insert(connection, kind)

    def refuse(self, kind: str, error: SimilarityError) -> Task:
        """Record a request that could not even start, so that its status tells the same."""
        with self._database.writing() as connection:
            task_id = _insert(connection, kind).task_id
            _finish(connection, _is(task_id), "error", error)
            return _get(connection, task_id)

    def get(self, task_id: str) -> Task:
        """Raises UnknownTask."""
        with self._database.reading() as connection:
            return _get(connection, task_id)

    def recent(self, limit: int) -> list[Task]:
        """The newest tasks first."""
        query = select(tasks).order_by(tasks.c.created_at.desc()).limit(limit)
        with self._database.reading() as connection:
            return [_task(row) for row in connection.execute(query)]

    def claim(self, task_id: str) -> Task | None:
        """Start a waiting task, if none is running; otherwise it goes on waiting (None)."""
        with self._database.writing() as connection:
            _expire(connection)
            task = _get(connection, task_id)
            if task.state != "waiting" or _running(connection):
                return None
            newest = select(func.coalesce(func.max(images.c.seq), 0))
            start = {
                "state": "running",
                "phase": "starting",
                "attempt": task.attempt + 1,
                "snapshot": connection.execute(newest).scalar_one(),
                "removals": newest_removal(connection),
                "lease_until": time.time() + self.lease_s,
            }
            connection.execute(update(tasks).where(_is(task_id)).values(start))
            return _get(connection, task_id)

    def renew(self, task: Task, phase: str, progress: float) -> None:
        """Prolong the lease of a claimed task and tell how far it is.

        Raises:
            TaskLost: it was cancelled, or given to another attempt.
        """
        now = {"phase": phase, "progress": progress, "lease_until": time.time() + self.lease_s}
        with self._database.writing() as connection:
            if not connection.execute(update(tasks).where(_is_held(task)).values(now)).rowcount:
                raise TaskLost(f"task {task.task_id} is no longer attempt {task.attempt}'s")

    def publish(self, task: Task, publishing: Callable[[], Published]) -> Task:
        """End a claimed task well. `publishing` runs while nobody else can end or take the task.

        Raises:
            TaskLost: it was cancelled, or given to another attempt; `publishing` did not run.
        """
        with self._database.writing() as connection:
            if connection.execute(select(tasks.c.state).where(_is_held(task))).first() is None:
                raise TaskLost(f"task {task.task_id} is no longer attempt {task.attempt}'s")
            made = publishing()
            result = vars(made) | {"progress": 1.0}
            connection.execute(update(tasks).where(_is_held(task)).values(result))
            _finish(connection, _is_held(task), "ok")
            return _get(connection, task.task_id)

    def fail(self, task: Task, error: SimilarityError) -> None:
        """End a claimed task with an error; nothing happens if it is no longer held."""
        with self._database.writing() as connection:
            _finish(connection, _is_held(task), "error", error)

    def release(self, task_id: str) -> None:
        """End the lease of a task whose process is known to be dead."""
        running = _is(task_id) & (tasks.c.state == "running")
        with self._database.writing() as connection:
            connection.execute(update(tasks).where(running).values(lease_until=0.0))

    def cancel(self, task_id: str) -> Task:
        """Stop a task that waits or runs. What it was making is never published.

        Raises:
            UnknownTask: there is no such task.
            TaskFinished: it has ended already.
        """
        with self._database.writing() as connection:
            task = _get(connection, task_id)
            if task.state in FINISHED:
                raise TaskFinished(f"task {task_id} has ended already: {task.state}")
            _finish(connection, _is(task_id), "cancelled", TaskLost("cancelled on request"))
            return _get(connection, task_id)

    def deliverable(self) -> list[Task]:
        """Put back what was abandoned; then the waiting tasks, oldest first, if none is running."""
        with self._database.writing() as connection:
            _expire(connection)
            if _running(connection):
                return []
            query = select(tasks).where(tasks.c.state == "waiting").order_by(tasks.c.created_at)
            return [_task(row) for row in connection.execute(query)]

    def covered(self) -> tuple[int, int]:
        """The largest sequence number and removal that any task has looked at."""
        largest = (func.coalesce(func.max(c), 0) for c in (tasks.c.snapshot, tasks.c.removals))
        with self._database.reading() as connection:
            snapshot, removals = connection.execute(select(*largest)).one()
        return int(snapshot), int(removals)


def _task(row: Row[Any]) -> Task:
    return Task(**row._mapping)


def _is(task_id: str) -> ColumnElement[bool]:
    return tasks.c.task_id == task_id


def _is_held(task: Task) -> ColumnElement[bool]:
    """The task as this attempt claimed it, if it is still its own."""
    own = (tasks.c.state == "running") & (tasks.c.attempt == task.attempt)
    return _is(task.task_id) & own


def _get(connection: Connection, task_id: str) -> Task:
    row = connection.execute(select(tasks).where(_is(task_id))).one_or_none()
    if row is None:
        raise UnknownTask(f"no task has the id {task_id}")
    return _task(row)


def _insert(connection: Connection, kind: str) -> Task:
    row = {"task_id": str(uuid.uuid4()), "kind": kind, "state": "waiting"}
    connection.execute(insert(tasks).values(**row, created_at=time.time()))
    return _get(connection, row["task_id"])


def _running(connection: Connection) -> bool:
    query = select(tasks.c.task_id).where(tasks.c.state == "running")
    return connection.execute(query).first() is not None


def _finish(
    connection: Connection,
    which: ColumnElement[bool],
    state: str,
    error: SimilarityError | None = None,
) -> None:
    end: dict[str, object] = {"state": state, "finished_at": time.time(), "lease_until": None}
    if error is not None:
        end |= {"message": error.word, "detail": str(error) or None}
    connection.execute(update(tasks).where(which).values(end))


def _expire(connection: Connection) -> None:
    """Put back what a silent worker left running, and give up what has been tried often enough."""
    silent = (tasks.c.state == "running") & (tasks.c.lease_until < time.time())
    _finish(connection, silent & (tasks.c.attempt >= MOST_ATTEMPTS), "error", WORKER_LOST)
    again = {"state": "waiting", "phase": "waiting", "progress": 0.0, "lease_until": None}
    connection.execute(update(tasks).where(silent).values(again))
