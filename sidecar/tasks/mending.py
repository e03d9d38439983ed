"""Features in doubt embedded again: what is wrong is put right, and the index follows.

    suspects ──► Triton, compare ──► right: struck off
                                 └─► wrong: put right ──► an index of the mended features

What has been looked at is kept at once, so whoever comes after a crash goes on where it was.
"""

import logging
import time
from dataclasses import dataclass

from sidecar.catalogue import Catalogue, Embedded, MendingProgress, MendingReport, ModelRecord, Task
from sidecar.errors import FeaturesUnavailable, ModelRefused, ModelReplaced, TaskWaits
from sidecar.index import GenerationStore, Sealed
from sidecar.models.comparison import Compared, Comparison, sentence
from sidecar.tasks.training import Trainer
from sidecar.tasks.upgrade import Report

log = logging.getLogger(__name__)

PAGE = 64  # images compared and settled at once
PATIENCE_S = 300  # with a Triton that is away
PAUSE_S = 1.0
COMPARED = 0.6  # of the progress


@dataclass
class Mending:
    """One attempt at a task of the kind `mend`."""

    catalogue: Catalogue
    generations: GenerationStore
    trainer: Trainer
    comparison: Comparison
    task: Task
    report: Report
    checked: int = 0

    def run(self) -> Task:
        """Do it.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            TaskWaits: a training or an update goes first.
            FeaturesUnavailable, ModelRefused: the model in use does not answer for too long.
            CatalogueUnavailable, StorageFull, IndexDamaged, DeviceUnavailable: what has been mended
                is kept, and the index follows when the task is asked for again.
        """
        suspects = self.catalogue.suspects
        suspects.strike_gone()
        known = self.catalogue.models.known()
        if known.in_use is not None:
            self._check(known.in_use)
            self._compared(known.in_use, [])  # Triton is there: who does not answer now is gone
            for record in known.all - {known.in_use}:
                self._check_or_drop(record)
        mended = suspects.mended()
        for record in known.all - {known.in_use}:
            if record.model in mended:  # a rollback to it makes its index afresh
                self.generations.discard(record.sha256)
        with self.trainer.drafting(self.task):
            sealed = None
            if known.in_use is not None and known.in_use.model in mended:
                sealed = self._index(known.in_use)
            return self._publish(sealed, sum(mended.values()))

    def _check(self, record: ModelRecord) -> None:
        """Compare all suspects of a model, page by page."""
        while page := self.catalogue.suspects.page(record, PAGE):
            whole = [image for image in page if image.is_whole]  # of others `verify` speaks
            wrong = [each for each in self._compared(record, whole) if not each.is_right]
            made = {each.image.seq: each.features for each in wrong}
            right = {image.seq for image in page} - made.keys()
            self.catalogue.suspects.settle(record, right, made)
            for each in wrong:
                log.warning("%s", sentence(record, each))
            self._go_on(len(page))

    def _check_or_drop(self, record: ModelRecord) -> None:
        """A model that Triton does not serve can't be asked: an upgrade to it catches up."""
        try:
            self.comparison.models.verified(record.version, record.sha256)
        except (FeaturesUnavailable, ModelRefused) as error:
            log.info("suspect features of version %d are dropped: %s", record.version, error)
            while dropped := self.catalogue.suspects.drop(record, PAGE):
                self._go_on(dropped)
        else:
            self._check(record)

    def _go_on(self, looked_at: int) -> None:
        self.checked += looked_at
        left = self.catalogue.suspects.count()
        mended = sum(self.catalogue.suspects.mended().values())
        progress = COMPARED * self.checked / max(1, self.checked + left - mended)
        self.report("comparing", progress, MendingProgress(self.checked, mended))
        if self.catalogue.tasks.make_way(self.task):
            raise TaskWaits(f"mend {self.task.task_id} lets others go first")

    def _compared(self, record: ModelRecord, images: list[Embedded]) -> list[Compared]:
        """Ask Triton, and wait for it where it is away."""
        gives_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                return [*self.comparison.of(record, images)]
            except ModelReplaced:
                raise
            except FeaturesUnavailable:
                if time.monotonic() > gives_up:
                    raise
                self.report("comparing", 0.0)
                time.sleep(PAUSE_S)

    def _index(self, record: ModelRecord) -> Sealed | None:
        """Nothing where there was no index before."""
        if not self.generations.numbers() or not self.catalogue.images.count():
            return None

        def scaled(phase: str, progress: float) -> None:
            self.report(phase, COMPARED + (1 - COMPARED) * progress)

        with self.catalogue.tasks.holding(self.task) as transaction:
            self.task = self.catalogue.tasks.look_again(self.task, transaction)
        return self.trainer.afresh(self.task, record, scaled)

    def _publish(self, sealed: Sealed | None, mended: int) -> Task:
        with self.catalogue.tasks.publishing(self.task) as publication:
            publication.transaction.strike_mended()
            if sealed is None:
                publication.record(MendingReport(self.checked, mended))
            else:
                report = MendingReport(self.checked, mended, sealed.meta.quality.summary())
                number = self.trainer.publish(sealed)
                publication.record(report, number, sealed.meta.images)
        return publication.task
