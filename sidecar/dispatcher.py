"""Tasks as clients ask for them: request, cancel, and see that every one is delivered."""

import logging
import time
from dataclasses import dataclass

from sidecar.catalogue import Entries, Removals, Task, Tasks
from sidecar.deliveries import Deliveries
from sidecar.errors import (
    NeedMoreSamples,
    NoIndex,
    NoSamples,
    QueueUnavailable,
)
from sidecar.trainer import Trainer

log = logging.getLogger(__name__)

ROUND_S = 1.0


@dataclass(frozen=True)
class Dispatcher:
    """Between the HTTP edge, the table of tasks, and the queue."""

    tasks: Tasks
    entries: Entries
    removals: Removals
    trainer: Trainer
    deliveries: Deliveries
    auto_update_s: float

    def request(self, kind: str) -> Task:
        """Ask for a training or an update.

        Returns:
            the task that waits for it; in state "error" where it makes no sense as things stand,
            with the reason.
        """
        try:
            self.trainer.check(kind)
        except (NoSamples, NeedMoreSamples, NoIndex) as error:
            return self.tasks.refuse(kind, error)
        task = self.tasks.request(kind)
        self.deliver()
        return task

    def cancel(self, task_id: str) -> Task:
        """Stop a waiting or running task; errors as `Tasks.cancel`."""
        task = self.tasks.cancel(task_id)
        self.deliveries.stop(task_id)
        return task

    def deliver(self) -> None:
        """Hand over every task that waits, those of dead workers among them."""
        try:
            for task in self.tasks.deliverable():
                self.deliveries.deliver(task.task_id)
        except QueueUnavailable as error:
            log.warning("tasks wait in the catalogue: %s", error)

    def update_when_due(self) -> None:
        """Ask for an update where `AUTO_UPDATE_S` have passed since the last change."""
        if not self.auto_update_s:
            return
        last = (self.entries.last_added() or (0, 0.0), self.removals.last() or (0, 0.0))
        numbers, times = zip(*last, strict=True)
        news = any(n > seen for n, seen in zip(numbers, self.tasks.covered(), strict=True))
        if news and time.time() - max(times) >= self.auto_update_s:
            try:
                self.trainer.check("update")
            except NoIndex:
                return  # the first training is the user's to ask for
            self.tasks.request("update")

    def look(self) -> None:
        """One round of what each process does every `ROUND_S`: it only reads where nothing is due,
        so that an idle service leaves the write lock to whoever needs it."""
        self.update_when_due()
        self.deliver()
