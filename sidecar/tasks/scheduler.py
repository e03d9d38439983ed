"""Tasks as clients request and cancel them, and each one's way into the queue."""

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

Moment = tuple[int, int, int]  # a sequence number, a removal, a change of metadata


@dataclass(frozen=True)
class AutoUpdate:
    """When an update is requested without anybody asking.

    Args:
        quiet_s: seconds after the last change; 0 for never.
        most_waiting: images above which it is, however many more come; 0 for never.
    """

    quiet_s: float = 0.0
    most_waiting: int = 0

    @property
    def is_on(self) -> bool:
        """Whether any of them ever is."""
        return bool(self.quiet_s or self.most_waiting)

    def is_quiet(self, changed_at: float) -> bool:
        """Says whether the last change, in seconds since 1970, is long enough ago. One that lies
        ahead was made before the clock was set back, and is."""
        return bool(self.quiet_s) and abs(time.time() - changed_at) >= self.quiet_s


@dataclass(frozen=True)
class Scheduler:
    """Writes requests into the table of tasks, and hands what waits there to the queue."""

    catalogue: Catalogue
    admission: Admission
    queue: TaskQueue
    auto_update: AutoUpdate

    def request(self, kind: TaskKind) -> Task:
        """Requests a training, an update or a search for duplicates.

        Returns:
            the task that waits for it; in state "error" where it makes no sense as things are, with
            the reason.
        """
        try:
            if kind != TaskKind.TRAIN:
                self.admission.check_update()
            with self.catalogue.writing() as transaction:
                if kind == TaskKind.TRAIN:
                    check_training(transaction)
                task = transaction.tasks.request(kind)
        except (NoSamples, NeedMoreSamples, NoIndex) as error:
            return self.catalogue.tasks.refuse(kind, error)
        self.enqueue_waiting()
        return task

    def fill(self) -> Task:
        """Requests that the keywords of stored images are made that the model in use has none of;
        joins such a task that waits or runs, since that ends when none is missing."""
        with self.catalogue.writing() as transaction:
            task = transaction.tasks.unfinished((TaskKind.FILL,))
            if task is None:
                task = transaction.tasks.request(TaskKind.FILL)
        self.enqueue_waiting()
        return task

    def cancel(self, task_id: str) -> Task:
        """Stops a waiting or running task; errors as `Tasks.cancel`."""
        task = self.catalogue.tasks.cancel(task_id)
        self.stop(task)
        return task

    def stop(self, task: Task) -> None:
        """Has the worker drop a task that was cancelled."""
        self.queue.stop(task.task_id)

    def enqueue_waiting(self) -> None:
        """Hands every task that waits to the queue, those of dead workers among them."""
        try:
            for task in self.catalogue.tasks.deliverable():
                self.queue.enqueue(task.task_id)
        except QueueUnavailable as error:
            log.warning("tasks wait in the catalogue: %s", error)

    def update_when_due(self) -> None:
        """Requests an update where `auto_update` says that it is time."""
        rules = self.auto_update
        if not rules.is_on:
            return
        last, changed_at = self._last_change()
        covered = self.catalogue.tasks.covered()
        is_quiet = _has_news(last, covered) and rules.is_quiet(changed_at)
        if not is_quiet and not self._too_many_wait(last, covered):
            return
        try:
            self.admission.check_update()
        except NoIndex:
            return  # the first training is for users to request
        if self.admission.generations.ahead():
            return  # the catalogue went back: users say whether that is for good
        with self.catalogue.writing() as transaction:
            if transaction.tasks.covered() == covered:
                transaction.tasks.request(TaskKind.UPDATE)

    def _last_change(self) -> tuple[Moment, float]:
        """Returns the last sequence number, removal and change of metadata, and when the newer of
        the first two came: metadata is searched as it is, without an update."""
        nothing = (0, 0.0)
        seq, added_at = self.catalogue.images.last_added() or nothing
        removal, removed_at = self.catalogue.removals.last() or nothing
        return (seq, removal, self.catalogue.metadata.last()), max(added_at, removed_at)

    def _too_many_wait(self, last: Moment, covered: Moment) -> bool:
        """Says whether more images, or changed documents, wait than every process should keep."""
        most = self.auto_update.most_waiting
        if not most:
            return False
        counts = {0: self.catalogue.images.count, 2: self.catalogue.metadata.count}
        return any(
            last[which] - covered[which] > most  # numbers may be missing in between
            and count(covered[which]) > most
            for which, count in counts.items()
        )

    def run_round(self) -> None:
        """Does what each process does every `ROUND_S`.

        It only reads where nothing is due, so that an idle service takes no write lock.
        """
        self.update_when_due()
        self.enqueue_waiting()


def _has_news(last: Moment, covered: Moment) -> bool:
    """Returns whether no index covers the last sequence number, or the last removal."""
    return last[0] > covered[0] or last[1] > covered[1]
