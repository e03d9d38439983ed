"""Upgrades, rollbacks and retirements as clients request them."""

from collections.abc import Callable
from dataclasses import dataclass

from sidecar.catalogue import OF_VERSIONS, SWITCHES, Catalogue, Task, TaskKind, Transaction
from sidecar.errors import SwitchRefused
from sidecar.tasks.admission import Admission, FileFacts
from sidecar.tasks.scheduler import Scheduler

Check = Callable[[FileFacts, Transaction, int], None]


@dataclass(frozen=True)
class ModelRequests:
    """Takes requests about versions; each is decided in the transaction that queues its task."""

    catalogue: Catalogue
    admission: Admission
    scheduler: Scheduler

    def upgrade(self, version: int) -> Task:
        """Requests that a version comes into use; joins an upgrade to it that is in progress.

        Raises:
            UnknownVersion: the repository has none of this number.
            SwitchRefused: it is in use already, under this or another number, or another such task
                is in progress.
        """
        return self._request(TaskKind.UPGRADE, version, FileFacts.check_upgrade)

    def rollback(self) -> Task:
        """Requests that the version before comes back into use.

        Raises:
            SwitchRefused: there is none, or it is gone, or another such task is in progress.
        """
        kind = TaskKind.ROLLBACK
        facts = self.admission.facts(kind, None)
        with self.catalogue.writing() as transaction:
            version = facts.version_before(transaction)
            task = _in_progress(transaction, kind, version)
            if task is None:
                task = transaction.tasks.request(kind, version)
        return self._enqueued(task)

    def retire(self, version: int) -> Task:
        """Requests that a version is forgotten.

        Raises:
            UnknownVersion: there is none of this number.
            SwitchRefused: it is in use, or another such task is in progress.
        """
        return self._request(TaskKind.RETIRE, version, FileFacts.check_retirement)

    def cancel(self) -> Task:
        """Stops the upgrade or rollback that waits or runs. Raises SwitchRefused: there is none."""
        with self.catalogue.writing() as transaction:
            task = transaction.tasks.unfinished(SWITCHES)
            if task is None:
                raise SwitchRefused("no upgrade or rollback is in progress")
            task = transaction.tasks.cancel(task.task_id)
        self.scheduler.stop(task)
        return task

    def _request(self, kind: TaskKind, version: int, check: Check) -> Task:
        """Joins the very task that is in progress; writes one where there is none and `check`
        raises nothing, all in one transaction."""
        facts = self.admission.facts(kind, version)
        with self.catalogue.writing() as transaction:
            task = _in_progress(transaction, kind, version)
            if task is None:
                check(facts, transaction, version)
                task = transaction.tasks.request(kind, version)
        return self._enqueued(task)

    def _enqueued(self, task: Task) -> Task:
        self.scheduler.enqueue_waiting()
        return task


def _in_progress(transaction: Transaction, kind: TaskKind, version: int) -> Task | None:
    """Returns the very task, where it waits or runs. Raises SwitchRefused: another one does."""
    task = transaction.tasks.unfinished(OF_VERSIONS)
    if task is None or (task.kind, task.version) == (kind, version):
        return task
    raise SwitchRefused(
        f"{task.kind} {task.task_id} (version {task.version}) is in progress: "
        "wait for it, or cancel it"
    )
