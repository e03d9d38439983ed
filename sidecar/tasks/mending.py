"""Features in doubt embedded again: what is wrong is put right, keywords with them, and the index
follows.

    suspects ──► Triton, compare ──► right: struck off
                                 └─► wrong: put right ──► an index of the mended features

Each page is kept at once, so the next attempt after a crash goes on from there.
"""

import logging
from dataclasses import dataclass

from sidecar.catalogue import (
    Catalogue,
    MendingProgress,
    MendingReport,
    ModelRecord,
    StoredFeatures,
    Task,
)
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.index import GenerationStore, Sealed
from sidecar.models.comparison import Compared, Comparison, sentence
from sidecar.tasks import patience
from sidecar.tasks.heartbeat import Report, scaled
from sidecar.tasks.training import Trainer
from sidecar.tasks.turn import Turn

log = logging.getLogger(__name__)

PAGE = 64  # images compared and settled at once
COMPARED = 0.6  # of the progress


@dataclass
class Mending:
    """Runs one attempt at a task of the kind `mend`."""

    catalogue: Catalogue
    generations: GenerationStore
    trainer: Trainer
    comparison: Comparison
    task: Task
    report: Report
    checked: int = 0

    def __post_init__(self) -> None:
        self.turn = Turn(self.catalogue.tasks, self.task)

    def run(self) -> Task:
        """Runs the task to its end, and returns it as it ended.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            TaskWaits: a training or an update goes first.
            FeaturesUnavailable, ModelRefused: the model in use does not answer for too long.
            PicturesStoreUnavailable, CatalogueUnavailable, StorageFull, IndexDamaged,
            DeviceUnavailable: what has been mended
                is kept, and the index follows when the task is requested again.
        """
        suspects = self.catalogue.suspects
        suspects.strike_gone()
        known = self.catalogue.models.known()
        others = known.all - {known.in_use}
        if known.in_use is not None:
            self._check(known.in_use)
            self._compared(known.in_use, [])  # Triton is there: who does not answer now is gone
            for record in others:
                self._check_or_drop(record)
        mended = suspects.mended()
        for record in others:
            if record.model in mended:  # a rollback to it makes its index afresh
                self.trainer.discard(record.sha256)
        with self.trainer.drafting(self.task):
            sealed = None
            if known.in_use is not None and known.in_use.model in mended:
                sealed = self._index(known.in_use)
            if sealed is not None:
                self.trainer.offer(self.task, sealed, lambda *_: self.report("publishing", 1.0))
            return self._publish(sealed, sum(mended.values()))

    def _check(self, record: ModelRecord) -> None:
        """Compares all suspects of a model, page by page."""
        while page := self._page(record):
            whole = [image for image in page if image.is_whole]  # `verify` reports the others
            compared = self._compared(record, whole)
            wrong = [each for each in compared if not each.is_right]
            corrected = {each.image.seq: each.made.features for each in wrong}
            missing = [each for each in compared if each.image.keywords is None]
            keywords = {each.image.seq: each.made.keywords for each in [*wrong, *missing]}
            right = {image.seq for image in page} - corrected.keys()
            self.catalogue.suspects.settle(record, right, corrected, keywords)
            for each in wrong:
                log.warning("%s", sentence(record, each))
            self._page_done(len(page))

    def _check_or_drop(self, record: ModelRecord) -> None:
        """Compares the suspects of a model, or drops them where Triton does not serve it: an
        upgrade to it embeds those images again."""
        try:
            self.comparison.models.verified(record.version, record.sha256)
        except (FeaturesUnavailable, ModelRefused) as error:
            log.info("suspect features of version %d are dropped: %s", record.version, error)
            while dropped := self.catalogue.suspects.drop(record, PAGE):
                self._page_done(dropped)
        else:
            self._check(record)

    def _page(self, record: ModelRecord) -> list[StoredFeatures]:
        """Waits for the store of the images, where that is away."""
        return patience.retried(
            lambda: self.catalogue.suspects.page(record, PAGE),
            before_retry=lambda: self.report("comparing", 0.0),
        )

    def _page_done(self, images: int) -> None:
        """Reports the progress, and lets a waiting training or update go first."""
        self.checked += images
        left = self.catalogue.suspects.count()
        mended = sum(self.catalogue.suspects.mended().values())
        progress = COMPARED * self.checked / max(1, self.checked + left - mended)
        self.report("comparing", progress, MendingProgress(self.checked, mended))
        self.turn.may_end()

    def _compared(self, record: ModelRecord, images: list[StoredFeatures]) -> list[Compared]:
        return patience.retried(
            lambda: [*self.comparison.of(record, images)],
            before_retry=lambda: self.report("comparing", 0.0),
        )

    def _index(self, record: ModelRecord) -> Sealed | None:
        """Drafts an index of the mended features; none where there was no index before."""
        if not self.trainer.may_replace_index():
            return None
        with self.catalogue.tasks.holding(self.task) as transaction:
            self.task = self.catalogue.tasks.look_again(self.task, transaction)
        report = scaled(self.report, COMPARED, 1.0)
        return self.trainer.draft_training(self.task, record, report)

    def _publish(self, sealed: Sealed | None, mended: int) -> Task:
        with self.catalogue.tasks.publishing(self.task) as publication:
            publication.transaction.strike_mended()
            if sealed is None:
                publication.record(MendingReport(self.checked, mended))
            else:
                report = MendingReport(self.checked, mended, sealed.meta.quality.summary())
                number = self.trainer.publish(publication.transaction, sealed)
                publication.record(report, number, sealed.meta.images)
        return publication.task
