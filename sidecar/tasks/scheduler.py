"""Tasks as clients ask for them: request, cancel, and see that every one is delivered."""

import logging
import time
from dataclasses import dataclass

from sidecar.catalogue import Catalogue, Task, TaskKind
from sidecar.errors import NeedMoreSamples, NoIndex, NoSamples, QueueUnavailable
from sidecar.tasks.admission import Admission
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.samples import check_training

log = logging.getLogger(__name__)

ROUND_S = 1.0


@dataclass(frozen=True)
class Scheduler:
    """Between the HTTP edge, the table of tasks, and the queue."""

    catalogue: Catalogue
    admission: Admission
    deliveries: TaskQueue
    auto_update_s: float

    def request(self, kind: TaskKind) -> Task:
        """Ask for a training or an update.

        Returns:
            the task that waits for it; in state "error" where it makes no sense as things stand,
            with the reason.
        """
        try:
            if kind == TaskKind.UPDATE:
                self.admission.check_update()
            with self.catalogue.writing() as transaction:
                if kind == TaskKind.TRAIN:
                    check_training(transaction)
                task = transaction.tasks.request(kind)
        except (NoSamples, NeedMoreSamples, NoIndex) as error:
            return self.catalogue.tasks.refuse(kind, error)
        self.deliver()
        return task

    def cancel(self, task_id: str) -> Task:
        """Stop a waiting or running task; errors as `Tasks.cancel`."""
        task = self.catalogue.tasks.cancel(task_id)
        self.stop(task)
        return task

    def stop(self, task: Task) -> None:
        """Have the worker drop a task that was cancelled."""
        self.deliveries.stop(task.task_id)

    def deliver(self) -> None:
        """Hand over every task that waits, those of dead workers among them."""
        try:
            for task in self.catalogue.tasks.deliverable():
                self.deliveries.deliver(task.task_id)
        except QueueUnavailable as error:
            log.warning("tasks wait in the catalogue: %s", error)

    def update_when_due(self) -> None:
        """Ask for an update where `AUTO_UPDATE_S` have passed since the last change."""
        if not self.auto_update_s:
            return
        entries, removals = self.catalogue.images, self.catalogue.removals
        (seq, added_at), (removal, removed_at) = (
            entries.last_added() or (0, 0.0),
            removals.last() or (0, 0.0),
        )
        if time.time() - max(added_at, removed_at) < self.auto_update_s:
            return
        if not _has_news((seq, removal), self.catalogue.tasks.covered()):
            return
        try:
            self.admission.check_update()
        except NoIndex:
            return  # the first training is the user's to ask for
        with self.catalogue.writing() as transaction:
            if _has_news((seq, removal), transaction.tasks.covered()):
                transaction.tasks.request(TaskKind.UPDATE)

    def look(self) -> None:
        """One round of what each process does every `ROUND_S`: it only reads where nothing is due,
        so that an idle service leaves the write lock to whoever needs it."""
        self.update_when_due()
        self.deliver()


def _has_news(last: tuple[int, int], covered: tuple[int, int]) -> bool:
    """Whether the last sequence number or removal is one that no index covers."""
    return last[0] > covered[0] or last[1] > covered[1]
