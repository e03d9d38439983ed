"""The table of tasks, which is the queue: what is asked for, by whom it is run, how it ended.

    waiting ──claim──► running ──publish──► ok
       ▲                  │ ├──fail────────► error
       └──lease runs out──┘ └──cancel──────► cancelled      (cancel: from waiting, too)
          or it makes way

A claim takes a snapshot (the largest sequence number and removal so far), a lease and an attempt
number. The attempt is a fencing token: whoever publishes shows it, so that a worker that was
thought dead can't overwrite what its successor made.
Source: M. Kleppmann, "How to do distributed locking", 2016.
"""

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, tuple_, update
from sqlalchemy.sql import ColumnElement

from sidecar import request_ids
from sidecar.catalogue.database import Database
from sidecar.catalogue.models import SWITCHES
from sidecar.catalogue.removals import newest as newest_removal
from sidecar.catalogue.schema import images, tasks
from sidecar.errors import SimilarityError, TaskFinished, TaskLost, UnknownTask, WorkerLost

MOST_ATTEMPTS = 3
WORKER_LOST = WorkerLost(f"the worker was lost {MOST_ATTEMPTS} times; see its log")
FINISHED = ("ok", "error", "cancelled")
SHORT = ("train", "update")  # kinds of tasks that others make way for
KINDS = (*SHORT, *SWITCHES, "retire", "mend")
AGAIN = {"state": "waiting", "phase": "waiting", "progress": 0.0, "lease_until": None}


@dataclass(frozen=True)
class Task:
    """A row of the table; `schema.tasks` says what each column means."""

    task_id: str
    kind: str
    version: int | None
    state: str
    phase: str
    progress: float
    message: str | None
    detail: str | None
    attempt: int
    lost: int
    snapshot: int | None
    removals: int | None
    lease_until: float | None
    generation: int | None
    images: int | None
    report: dict[str, Any] | None
    request_id: str | None
    created_at: float
    finished_at: float | None


@dataclass(frozen=True)
class Published:
    """What a task left behind: the number of a generation and how many images are in it, where it
    made one, and what its status tells besides, fit for JSON."""

    generation: int | None
    images: int | None
    report: dict[str, Any]


class Tasks:
    """Every change of a task is one short transaction."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self.lease_s = lease_s

    def request(self, kind: str, version: int | None = None) -> Task:
        """Join the waiting task of this kind, which has yet to take its snapshot, or queue one."""
        same = (tasks.c.kind == kind) & tasks.c.version.is_not_distinct_from(version)
        with self._database.writing() as connection:
            row = connection.execute(select(tasks).where(same, tasks.c.state == "waiting")).first()
            return _task(row) if row is not None else _insert(connection, kind, version)

    def refuse(self, kind: str, error: SimilarityError, version: int | None = None) -> Task:
        """Record a request that could not even start, so that its status tells the same."""
        with self._database.writing() as connection:
            task_id = _insert(connection, kind, version).task_id
            _finish(connection, _is(task_id), "error", error)
            return _get(connection, task_id)

    def get(self, task_id: str) -> Task:
        """Raises UnknownTask."""
        with self._database.reading() as connection:
            return _get(connection, task_id)

    def recent(self, limit: int) -> list[Task]:
        """The newest tasks first."""
        with self._database.reading() as connection:
            return newest(connection, limit)

    def latest(self) -> list[Task]:
        """All tasks that wait or run, and of each kind the last that was tried and has ended."""
        tried = tasks.c.finished_at.is_not(None) & (tasks.c.attempt > 0)
        last = select(tasks.c.kind, func.max(tasks.c.finished_at)).where(tried)
        ended = tuple_(tasks.c.kind, tasks.c.finished_at).in_(last.group_by(tasks.c.kind))
        query = select(tasks).where(tasks.c.finished_at.is_(None) | ended)
        with self._database.reading() as connection:
            return [_task(row) for row in connection.execute(query)]

    def unfinished(self, kinds: Collection[str]) -> Task | None:
        """The oldest task of these kinds that waits or runs."""
        which = tasks.c.kind.in_(kinds) & tasks.c.finished_at.is_(None)
        query = select(tasks).where(which).order_by(tasks.c.created_at).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _task(row)

    def finished(self, kinds: Collection[str]) -> list[Task]:
        """All tasks of these kinds that ended well, the newest first."""
        which = tasks.c.kind.in_(kinds) & (tasks.c.state == "ok")
        query = select(tasks).where(which).order_by(tasks.c.finished_at.desc())
        with self._database.reading() as connection:
            return [_task(row) for row in connection.execute(query)]

    def claim(self, task_id: str) -> Task | None:
        """Start a waiting task, if none is running; otherwise it goes on waiting (None)."""
        with self._database.writing() as connection:
            _expire(connection)
            task = _get(connection, task_id)
            if task.state != "waiting" or _running(connection):
                return None
            start = {
                "state": "running",
                "phase": "starting",
                "attempt": task.attempt + 1,
                "lease_until": time.time() + self.lease_s,
            }
            _set(connection, _is(task_id), start | _moment(connection))
            return _get(connection, task_id)

    def look_again(self, task: Task, check: Callable[[Connection], None]) -> Task:
        """Take another snapshot for a claimed task, of a moment when `check` raises nothing.

        Raises:
            TaskLost: as `renew`.
        """
        with self._database.writing() as connection:
            _hold(connection, task)
            check(connection)
            _set(connection, _is_held(task), _moment(connection))
            return _get(connection, task.task_id)

    def make_way(self, task: Task) -> bool:
        """Let a claimed task wait where a training or an update does; its turn comes after them."""
        others = (tasks.c.state == "waiting") & tasks.c.kind.in_(SHORT)
        with self._database.writing() as connection:
            if connection.execute(select(tasks.c.task_id).where(others)).first() is None:
                return False
            waiting = {"state": "waiting", "lease_until": None}
            return _set(connection, _is_held(task), waiting) > 0

    def renew(
        self, task: Task, phase: str, progress: float, figures: dict[str, Any] | None = None
    ) -> None:
        """Prolong the lease of a claimed task and tell how far it is.

        Args:
            figures: what its status tells besides.
        Raises:
            TaskLost: it was cancelled, or given to another attempt.
        """
        now = {"phase": phase, "progress": progress, "lease_until": time.time() + self.lease_s}
        with self._database.writing() as connection:
            _hold(connection, task)
            _set(connection, _is_held(task), now | {"report": figures or None})

    def publish(self, task: Task, publishing: Callable[[Connection], Published]) -> Task:
        """End a claimed task well. `publishing` runs while nobody else can write anything.

        Raises:
            TaskLost: it was cancelled, or given to another attempt; `publishing` did not run.
        """
        with self._database.writing() as connection:
            _hold(connection, task)
            made = publishing(connection)
            _set(connection, _is_held(task), vars(made) | {"progress": 1.0})
            _finish(connection, _is_held(task), "ok")
            return _get(connection, task.task_id)

    def fail(self, task: Task, error: SimilarityError) -> None:
        """End a claimed task with an error; nothing happens if it is no longer held."""
        with self._database.writing() as connection:
            _finish(connection, _is_held(task), "error", error)

    def give_back(self, task_id: str) -> None:
        """Let a running task wait again: its worker was asked to stop, and nothing is wrong."""
        with self._database.writing() as connection:
            _set(connection, _is(task_id) & (tasks.c.state == "running"), AGAIN)

    def release(self, task_id: str) -> None:
        """End the lease of a task whose process is known to be dead."""
        running = _is(task_id) & (tasks.c.state == "running")
        with self._database.writing() as connection:
            _set(connection, running, {"lease_until": 0.0})

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
        """Put back what was abandoned; then the waiting tasks if none is running: the short kinds
        first, each kind by age.

        Every process asks once a second, so it writes only where something was abandoned.
        """
        abandoned = select(tasks.c.task_id).where(_silent(time.time())).limit(1)
        with self._database.reading() as connection:
            if connection.execute(abandoned).first() is None:
                return _next(connection)
        with self._database.writing() as connection:
            _expire(connection)
            return _next(connection)

    def covered(self) -> tuple[int, int]:
        """The largest sequence number and removal that any index has been made up to, or tried."""
        largest = (func.coalesce(func.max(c), 0) for c in (tasks.c.snapshot, tasks.c.removals))
        switched = tasks.c.kind.in_(SWITCHES) & (tasks.c.state == "ok")
        query = select(*largest).where(tasks.c.kind.in_(SHORT) | switched)
        with self._database.reading() as connection:
            snapshot, removals = connection.execute(query).one()
        return int(snapshot), int(removals)


def newest(connection: Connection, limit: int) -> list[Task]:
    """The newest tasks first, within a transaction."""
    query = select(tasks).order_by(tasks.c.created_at.desc()).limit(limit)
    return [_task(row) for row in connection.execute(query)]


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


def _insert(connection: Connection, kind: str, version: int | None) -> Task:
    task_id = str(uuid.uuid4())
    row = {"task_id": task_id, "kind": kind, "version": version, "state": "waiting"}
    asked = {"request_id": request_ids.current() or None, "created_at": time.time()}
    connection.execute(insert(tasks).values(**row, **asked))
    return _get(connection, task_id)


def _set(connection: Connection, which: ColumnElement[bool], values: dict[str, Any]) -> int:
    """Returns how many tasks there were to change."""
    return connection.execute(update(tasks).where(which).values(values)).rowcount


def _hold(connection: Connection, task: Task) -> None:
    """Raises TaskLost unless the attempt that claimed the task still has it."""
    if connection.execute(select(tasks.c.state).where(_is_held(task))).first() is None:
        raise TaskLost(f"task {task.task_id} is no longer attempt {task.attempt}'s")


def _moment(connection: Connection) -> dict[str, int]:
    """What a task looks at: every image and every removal so far."""
    newest = select(func.coalesce(func.max(images.c.seq), 0))
    return {
        "snapshot": connection.execute(newest).scalar_one(),
        "removals": newest_removal(connection),
    }


def _running(connection: Connection) -> bool:
    query = select(tasks.c.task_id).where(tasks.c.state == "running")
    return connection.execute(query).first() is not None


def _finish(
    connection: Connection,
    which: ColumnElement[bool],
    state: str,
    error: SimilarityError | None = None,
) -> None:
    end: dict[str, Any] = {"state": state, "finished_at": time.time(), "lease_until": None}
    if error is not None:
        end |= {"message": error.word, "detail": str(error) or None}
    _set(connection, which, end)


def _next(connection: Connection) -> list[Task]:
    """The waiting tasks in the order of their turns, if none is running."""
    if _running(connection):
        return []
    order = (tasks.c.kind.not_in(SHORT), tasks.c.created_at)
    query = select(tasks).where(tasks.c.state == "waiting").order_by(*order)
    return [_task(row) for row in connection.execute(query)]


def _silent(now: float) -> ColumnElement[bool]:
    """The running tasks whose lease has run out."""
    return (tasks.c.state == "running") & (tasks.c.lease_until < now)


def _expire(connection: Connection) -> None:
    """Put back what a silent worker left running, and give up what has been tried often enough."""
    silent = _silent(time.time())
    _set(connection, silent, {"lost": tasks.c.lost + 1})
    _finish(connection, silent & (tasks.c.lost >= MOST_ATTEMPTS), "error", WORKER_LOST)
    _set(connection, silent, AGAIN)
