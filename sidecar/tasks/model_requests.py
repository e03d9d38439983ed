"""Upgrades, rollbacks and retirements as clients ask for them."""

from dataclasses import dataclass

from sidecar.catalogue import OF_VERSIONS, SWITCHES, Catalogue, Task, TaskKind, Transaction
from sidecar.errors import SwitchRefused
from sidecar.tasks.admission import Admission
from sidecar.tasks.scheduler import Scheduler


@dataclass(frozen=True)
class ModelRequests:
    """Each is decided upon in the transaction that queues it."""

    catalogue: Catalogue
    admission: Admission
    scheduler: Scheduler

    def upgrade(self, version: int) -> Task:
        """Ask for a version to come into use; joins an upgrade to it that is under way.

        Raises:
            UnknownVersion: the repository has none of this number.
            SwitchRefused: it is in use already, under this or another number, or another such task
                is under way.
        """
        kind = TaskKind.UPGRADE
        ground = self.admission.ground(kind, version)
        with self.catalogue.writing() as transaction:
            task = _under_way(transaction, kind, version)
            if task is None:
                ground.check_upgrade(transaction, version)
                task = transaction.tasks.request(kind, version)
        return self._delivered(task)

    def rollback(self) -> Task:
        """Ask for the version before to come back into use.

        Raises:
            SwitchRefused: there is none, or it is gone, or another such task is under way.
        """
        kind = TaskKind.ROLLBACK
        ground = self.admission.ground(kind, None)
        with self.catalogue.writing() as transaction:
            version = ground.version_before(transaction)
            task = _under_way(transaction, kind, version)
            if task is None:
                task = transaction.tasks.request(kind, version)
        return self._delivered(task)

    def retire(self, version: int) -> Task:
        """Ask for a version to be forgotten.

        Raises:
            UnknownVersion: there is none of this number.
            SwitchRefused: it is in use, or another such task is under way.
        """
        kind = TaskKind.RETIRE
        ground = self.admission.ground(kind, version)
        with self.catalogue.writing() as transaction:
            task = _under_way(transaction, kind, version)
            if task is None:
                ground.check_retirement(transaction, version)
                task = transaction.tasks.request(kind, version)
        return self._delivered(task)

    def cancel(self) -> Task:
        """Stop the upgrade or rollback that waits or runs. Raises SwitchRefused: there is none."""
        with self.catalogue.writing() as transaction:
            task = transaction.tasks.unfinished(SWITCHES)
            if task is None:
                raise SwitchRefused("no upgrade is under way")
            task = transaction.tasks.cancel(task.task_id)
        self.scheduler.stop(task)
        return task

    def _delivered(self, task: Task) -> Task:
        self.scheduler.deliver()
        return task


def _under_way(transaction: Transaction, kind: TaskKind, version: int) -> Task | None:
    """The very task, where it waits or runs. Raises SwitchRefused: another one does."""
    task = transaction.tasks.unfinished(OF_VERSIONS)
    if task is None or (task.kind, task.version) == (kind, version):
        return task
    raise SwitchRefused(
        f"{task.kind} {task.task_id} (version {task.version}) is under way: "
        "wait for it, or cancel it"
    )
