"""A claimed task on its way to its end.

    waiting ──claim──► running ──publish──► ok
       ▲                  │ ├──fail────────► error
       └──lease runs out──┘ └──cancel──────► cancelled      (cancel: from waiting, too)
          or it makes way, or starts again

A claim takes a snapshot (the largest sequence number and removal so far), a lease and an attempt
number. The attempt is a fencing token: it is checked at publication, so that a worker that was
thought dead can't overwrite what its successor made.
Source: M. Kleppmann, "How to do distributed locking", 2016.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sidecar.catalogue import task_rows as rows
from sidecar.catalogue.database import OpenTransaction
from sidecar.catalogue.reports import Outcome, Progress, to_json
from sidecar.catalogue.task import Task, TaskState
from sidecar.catalogue.task_requests import TaskList
from sidecar.catalogue.transaction import Transaction
from sidecar.errors import SimilarityError


class Publication:
    """The end of a claimed task that succeeds, while its transaction is open.

    Args:
        transaction: in which the task ends.
        task: as it was claimed; after the block, as it ended.
    """

    def __init__(self, transaction: Transaction, task: Task) -> None:
        self.transaction = transaction
        self.task = task
        self.columns: dict[str, object] = {"generation": None, "images": None, "report": {}}

    def record(
        self, report: Outcome | None, generation: int | None = None, images: int | None = None
    ) -> None:
        """Sets what the task leaves behind.

        Args:
            report: what its status shows.
            generation: the number of the generation that it made, if any.
            images: how many images are in that.
        """
        self.columns = {"generation": generation, "images": images, "report": to_json(report)}


class Tasks(TaskList):
    """The calls on a claimed task, besides those that need no claim."""

    @contextmanager
    def holding(self, task: Task) -> Iterator[Transaction]:
        """Gives a transaction of a claimed task, in which nobody else writes.

        Raises:
            TaskLost: it was cancelled, or given to another attempt; the block did not run.
        """
        with self._database.writing() as connection:
            rows.check_held(connection, task)
            opened = OpenTransaction(self._database, connection, writes=True)
            yield Transaction(opened, self)

    @contextmanager
    def publishing(self, task: Task) -> Iterator[Publication]:
        """Ends a claimed task well, in one transaction with the block, in which nobody else writes.

        An error in the block leaves the task as it is, and nothing is written.

        Raises:
            TaskLost: as `holding`.
        """
        with self.holding(task) as transaction:
            publication = Publication(transaction, task)
            yield publication
            with transaction.connections.writing() as connection:
                held = rows.is_held(task)
                rows.change(connection, held, publication.columns | {"progress": 1.0})
                self._end(connection, held, TaskState.OK)
                publication.task = rows.get(connection, task.task_id)

    def look_again(self, task: Task, transaction: Transaction) -> Task:
        """Takes another snapshot for a claimed task, of the moment that a transaction holds."""
        with transaction.connections.writing() as connection:
            rows.change(connection, rows.is_held(task), rows.snapshot(connection))
            return rows.get(connection, task.task_id)

    def make_way(self, task: Task) -> bool:
        """Lets a claimed task wait where a training or an update does, or another that goes first;
        its turn comes after them.

        Returns:
            whether it waits now.
        """
        with self._database.writing() as connection:
            if not rows.any_goes_first(connection, task):
                return False
            waiting = {"state": TaskState.WAITING, "lease_until": None, "overtaken": False}
            return rows.change(connection, rows.is_held(task), waiting) > 0

    def renew(
        self, task: Task, phase: str, progress: float, report: Progress | None = None
    ) -> None:
        """Prolongs the lease of a claimed task and records how far it is.

        Args:
            progress: 0..1.
            report: what its status shows besides.
        Raises:
            TaskLost: it was cancelled, or given to another attempt.
        """
        now = {"phase": phase, "progress": progress, "lease_until": rows.lease_end(self.lease_s)}

        def write() -> None:
            with self._database.writing() as connection:
                rows.check_held(connection, task)
                values = now | {"report": to_json(report) or None}
                rows.change(connection, rows.is_held(task), values)

        self._database.even_when_full(write)

    def fail(self, task: Task, error: SimilarityError) -> None:
        """Ends a claimed task with an error; nothing happens if another attempt has it by now."""

        def write() -> None:
            with self._database.writing() as connection:
                self._end(connection, rows.is_held(task), TaskState.ERROR, error)

        self._database.even_when_full(write)

    def start_again(self, task: Task, error: SimilarityError, anew: bool) -> Task:
        """Lets a claimed task wait for another attempt, where its own has lost a part that is back;
        nothing happens if it has ended, or another attempt has it by now.

        Args:
            error: ends the task where this was the last of MOST_ATTEMPTS lost attempts.
            anew: whether the count of lost attempts begins anew, since this one did well for long.
        Returns:
            the task as it is now.
        """
        held, lost = rows.is_held(task), 0 if anew else task.lost + 1
        with self._database.writing() as connection:
            if lost < rows.MOST_ATTEMPTS:
                rows.change(connection, held, rows.REQUEUED | {"lost": lost})
            elif rows.change(connection, held, {"lost": lost}):
                self._end(connection, held, TaskState.ERROR, error)
            return rows.get(connection, task.task_id)

    def give_back(self, task_id: str) -> None:
        """Lets a running task wait again: its worker was asked to stop, and nothing is wrong."""
        with self._database.writing() as connection:
            rows.change(connection, rows.is_task(task_id) & rows.RUNNING, rows.REQUEUED)

    def release(self, task_id: str) -> None:
        """Ends the lease of a task whose process is known to be dead."""
        with self._database.writing() as connection:
            running = rows.is_task(task_id) & rows.RUNNING
            rows.change(connection, running, {"lease_until": 0.0})
