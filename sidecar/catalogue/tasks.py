"""A claimed task on its way to its end.

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
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from sidecar.catalogue import task_rows as rows
from sidecar.catalogue.database import Within
from sidecar.catalogue.reports import Outcome, Progress, to_json
from sidecar.catalogue.schema import tasks
from sidecar.catalogue.task import SHORT, Task, TaskState
from sidecar.catalogue.task_list import TaskList
from sidecar.catalogue.transaction import Transaction
from sidecar.errors import SimilarityError


class Publication:
    """The end of a claimed task, while its transaction is open.

    Args:
        transaction: in which the task ends well.
        task: as it was claimed; after the end, as it ended.
    """

    def __init__(self, transaction: Transaction, task: Task) -> None:
        self.transaction = transaction
        self.task = task
        self.made: dict[str, object] = {"generation": None, "images": None, "report": {}}

    def record(
        self, report: Outcome | None, generation: int | None = None, images: int | None = None
    ) -> None:
        """Set what the task leaves behind.

        Args:
            report: what its status shows.
            generation, images: the number of a generation and how many images are in it, where it
                made one.
        """
        self.made = {"generation": generation, "images": images, "report": to_json(report)}


class Tasks(TaskList):
    """What whoever has claimed a task does with it, besides what anybody may ask."""

    @contextmanager
    def holding(self, task: Task) -> Iterator[Transaction]:
        """A transaction of a claimed task, in which nobody else writes.

        Raises:
            TaskLost: it was cancelled, or given to another attempt; the block did not run.
        """
        with self._database.writing() as connection:
            rows.hold(connection, task)
            yield Transaction(Within(self._database.kind, connection, writes=True), self)

    @contextmanager
    def publishing(self, task: Task) -> Iterator[Publication]:
        """End a claimed task well: with the block, in which nobody else writes.

        What the block raises leaves the task as it is, and nothing written.

        Raises:
            TaskLost: as `holding`.
        """
        with self.holding(task) as transaction:
            publication = Publication(transaction, task)
            yield publication
            with transaction.within.writing() as connection:
                held = rows.is_held(task)
                rows.change(connection, held, publication.made | {"progress": 1.0})
                self._end(connection, held, TaskState.OK)
                publication.task = rows.get(connection, task.task_id)

    def look_again(self, task: Task, transaction: Transaction) -> Task:
        """Take another snapshot for a claimed task, of the moment that a transaction holds."""
        with transaction.within.writing() as connection:
            rows.change(connection, rows.is_held(task), rows.moment(connection))
            return rows.get(connection, task.task_id)

    def make_way(self, task: Task) -> bool:
        """Let a claimed task wait where a training or an update does; its turn comes after them."""
        others = rows.WAITING & tasks.c.kind.in_(SHORT)
        with self._database.writing() as connection:
            if connection.execute(select(tasks.c.task_id).where(others)).first() is None:
                return False
            waiting = {"state": TaskState.WAITING, "lease_until": None}
            return rows.change(connection, rows.is_held(task), waiting) > 0

    def renew(
        self, task: Task, phase: str, progress: float, figures: Progress | None = None
    ) -> None:
        """Prolong the lease of a claimed task and tell how far it is.

        Args:
            figures: what its status shows besides.
        Raises:
            TaskLost: it was cancelled, or given to another attempt.
        """
        now = {"phase": phase, "progress": progress, "lease_until": time.time() + self.lease_s}
        with self._database.writing() as connection:
            rows.hold(connection, task)
            rows.change(connection, rows.is_held(task), now | {"report": to_json(figures) or None})

    def fail(self, task: Task, error: SimilarityError) -> None:
        """End a claimed task with an error; nothing happens if it is no longer held."""
        with self._database.writing() as connection:
            self._end(connection, rows.is_held(task), TaskState.ERROR, error)

    def give_back(self, task_id: str) -> None:
        """Let a running task wait again: its worker was asked to stop, and nothing is wrong."""
        with self._database.writing() as connection:
            rows.change(connection, rows.is_task(task_id) & rows.RUNNING, rows.AGAIN)

    def release(self, task_id: str) -> None:
        """End the lease of a task whose process is known to be dead."""
        with self._database.writing() as connection:
            running = rows.is_task(task_id) & rows.RUNNING
            rows.change(connection, running, {"lease_until": 0.0})
