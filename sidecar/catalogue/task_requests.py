"""The table of tasks, which is the queue: what was requested, and how it ended."""

from collections.abc import Collection

from sqlalchemy import Connection, func, select
from sqlalchemy.sql import ColumnElement

from sidecar.catalogue import task_rows as rows
from sidecar.catalogue.database import Connections
from sidecar.catalogue.pruning import COVERING, DAY_S, LAST_TRIED, prune
from sidecar.catalogue.schema import tasks
from sidecar.catalogue.task import UNFINISHED, Task, TaskKind, TaskState
from sidecar.errors import (
    CatalogueUnavailable,
    SimilarityError,
    StorageFull,
    TaskFinished,
    TaskLost,
)


class TaskList:
    """The calls that need no claim on a task; each is one short transaction, or part of one."""

    def __init__(self, database: Connections, lease_s: float, keep_days: float) -> None:
        self._database = database
        self.lease_s = lease_s
        self.keep_days = keep_days
        self._was_away = False  # the database, or its volume full, when it was last asked

    def request(self, kind: TaskKind, version: int | None = None) -> Task:
        """Returns the waiting task of this kind, which has no snapshot yet, or queues one."""
        same = (tasks.c.kind == kind) & tasks.c.version.is_not_distinct_from(version)
        with self._database.writing() as connection:
            row = connection.execute(select(tasks).where(same, rows.WAITING)).first()
            if row is not None:
                return rows.read(row)
            return rows.queue(connection, kind, version)

    def refuse(self, kind: TaskKind, error: SimilarityError, version: int | None = None) -> Task:
        """Records a request that could not even start, so that its status gives the same error.

        There is one row for each reason, however often a client asks.
        """
        same = (tasks.c.kind == kind) & tasks.c.version.is_not_distinct_from(version)
        same &= (tasks.c.state == TaskState.ERROR) & (tasks.c.attempt == 0)
        same &= tasks.c.message == error.word
        before = select(tasks.c.task_id).where(same).order_by(tasks.c.number.desc()).limit(1)
        with self._database.writing() as connection:
            task_id: str | None = connection.execute(before).scalar_one_or_none()
            if task_id is None:
                task_id = rows.queue(connection, kind, version).task_id
            else:
                rows.request_again(connection, task_id)
            self._end(connection, rows.is_task(task_id), TaskState.ERROR, error)
            return rows.get(connection, task_id)

    def get(self, task_id: str) -> Task:
        """Returns the task with an id. Raises UnknownTask."""
        with self._database.reading() as connection:
            return rows.get(connection, task_id)

    def recent(self, limit: int) -> list[Task]:
        """Returns at most `limit` tasks, the newest first."""
        with self._database.reading() as connection:
            return rows.newest(connection, limit)

    def latest(self) -> list[Task]:
        """Returns all tasks that wait or run, and of each kind the last that was tried and has
        ended."""
        query = select(tasks).where(tasks.c.finished_at.is_(None) | LAST_TRIED)
        with self._database.reading() as connection:
            return [rows.read(row) for row in connection.execute(query)]

    def unfinished(self, kinds: Collection[TaskKind]) -> Task | None:
        """Returns the oldest task of these kinds that waits or runs, if there is one."""
        which = tasks.c.kind.in_(kinds) & tasks.c.finished_at.is_(None)
        query = select(tasks).where(which).order_by(tasks.c.number).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else rows.read(row)

    def finished(self, kinds: Collection[TaskKind]) -> list[Task]:
        """Returns all tasks of these kinds that ended well, the newest first."""
        which = tasks.c.kind.in_(kinds) & (tasks.c.state == TaskState.OK)
        query = select(tasks).where(which).order_by(tasks.c.number.desc())
        with self._database.reading() as connection:
            return [rows.read(row) for row in connection.execute(query)]

    def claim(self, task_id: str) -> Task | None:
        """Starts a waiting task. Returns None where it does not wait, or has to wait for another
        that is running or goes first."""
        with self._database.writing() as connection:
            rows.tend(connection, self.lease_s)
            task = rows.get(connection, task_id)
            if task.state != TaskState.WAITING or not rows.may_start(connection, task):
                return None
            rows.overtake(connection, task)
            start = {
                "state": TaskState.RUNNING,
                "phase": "starting",
                "attempt": task.attempt + 1,
                "lease_until": rows.lease_end(self.lease_s),
            }
            rows.change(connection, rows.is_task(task_id), start | rows.snapshot(connection))
            return rows.get(connection, task_id)

    def cancel(self, task_id: str) -> Task:
        """Stops a task that waits or runs. What it was making is never published.

        Raises:
            UnknownTask: no task has this id.
            TaskFinished: it has ended already.
        """
        return self._database.even_when_full(lambda: self._cancel(task_id))

    def _cancel(self, task_id: str) -> Task:
        with self._database.writing() as connection:
            task = rows.get(connection, task_id)
            if task.state not in UNFINISHED:
                raise TaskFinished(f"task {task_id} has ended already: {task.state}")
            error = TaskLost("cancelled on request")
            self._end(connection, rows.is_task(task_id), TaskState.CANCELLED, error)
            return rows.get(connection, task_id)

    def deliverable(self) -> list[Task]:
        """Puts abandoned tasks back into the queue. Then returns the waiting tasks if none is
        running, in the order of their turns.

        Every process asks once a second, so it writes only where a task was abandoned.
        """
        try:
            deliverable = self._deliverable()
        except (StorageFull, CatalogueUnavailable):
            self._was_away = True
            raise
        self._was_away = False
        return deliverable

    def _deliverable(self) -> list[Task]:
        with self._database.reading() as connection:
            if not rows.needs_care(connection, self.lease_s):
                return rows.next_in_turn(connection)
        with self._database.writing() as connection:
            if self._was_away:  # no worker could give a heartbeat: none is thought dead yet
                rows.spare(connection, self.lease_s)
            rows.tend(connection, self.lease_s)
            return rows.next_in_turn(connection)

    def covered(self) -> tuple[int, int, int]:
        """Returns the largest sequence number, removal and change of metadata that any index covers
        or was to cover."""
        columns = (tasks.c.snapshot, tasks.c.removals, tasks.c.changes)
        largest = (func.coalesce(func.max(column), 0) for column in columns)
        with self._database.reading() as connection:
            found = connection.execute(select(*largest).where(COVERING)).one()
        return int(found[0]), int(found[1]), int(found[2])

    def _end(
        self,
        connection: Connection,
        which: ColumnElement[bool],
        state: TaskState,
        error: SimilarityError | None = None,
    ) -> None:
        """Ends a task, and prunes those that ended long ago."""
        rows.finish(connection, which, state, error)
        prune(connection, self.keep_days * DAY_S)
