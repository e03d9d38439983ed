"""Another model into use while requests go on: an upgrade, and a rollback, which is the way back.

    load ──► embed what is stored ──► join ──► catch up ──► index ──► preload ──► switch
             (behind live traffic)    adds have features of both from here on     in one commit

Until the switch nothing that clients see depends on the new model. All that is made is kept at
once, so a task that was killed goes on where it was.
"""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sidecar.catalogue import (
    Agreement,
    Catalogue,
    EmbeddingProgress,
    ModelRecord,
    Progress,
    SwitchReport,
    Task,
    TaskKind,
    Transaction,
)
from sidecar.errors import IndexDamaged, StorageFull, TaskWaits
from sidecar.index import Generation, GenerationStore, Sealed
from sidecar.index.agreement import agreement
from sidecar.models.repository import ModelRepository
from sidecar.tasks.admission import Admission
from sidecar.tasks.backfill import Backfill
from sidecar.tasks.training import Trainer
from sidecar.warmup import ROUND_S

log = logging.getLogger(__name__)

# In which every process of the sidecar looks at what is going on, twice at least: a look takes less
# time than the pause before it.
ROUNDS_S = 3 * ROUND_S
PAUSE_S = 0.1
EMBEDDED, INDEXED = 0.6, 0.95  # of the progress
ROW_BYTES = 256  # of an image in catalogue or index, besides its features
SPARE = 1.1  # of what is needed: pages are never quite full


class Report(Protocol):
    """Tells how far the work is; raises TaskLost to stop it."""

    def __call__(self, phase: str, progress: float, figures: Progress | None = None) -> None: ...


class _Behind(Exception):
    """The model has an image to see yet."""


@dataclass(frozen=True)
class Parts:
    """What an upgrade works with."""

    catalogue: Catalogue
    generations: GenerationStore
    trainer: Trainer
    versions: ModelRepository
    embedding: Backfill
    admission: Admission


class Upgrader:
    """One attempt at an upgrade or a rollback."""

    def __init__(self, parts: Parts, task: Task, report: Report) -> None:
        """Begin.

        Args:
            task: claimed; when it has ended well, the version in `task.version` is in use.
        """
        self.catalogue = parts.catalogue
        self.generations = parts.generations
        self.trainer = parts.trainer
        self.versions = parts.versions
        self.embedding = parts.embedding
        self.admission = parts.admission
        self.task = task
        self.report = report
        self.whole = 0  # up to this sequence number the new model has features of every image

    def run(self) -> Task:
        """Do it.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            TaskWaits: a training or an update goes first.
            UnknownVersion, SwitchRefused: it makes no sense any more; everything is as it was.
            ModelRefused, FeaturesUnavailable, CatalogueDamaged, CatalogueUnavailable, StorageFull,
            IndexDamaged, DeviceUnavailable: everything is as it was, but for the features that have
                been made: these are kept.
        """
        assert self.task.version is not None
        self.report("loading", 0.0)
        self._check_ground()
        record = self.versions.take(self.task.version).record
        check_room(self.catalogue, record, self.generations.folder)
        self._embed(record)
        self.catalogue.models.join(record)
        self._wait("catching up", EMBEDDED)
        self._until_whole(record, lambda: self._look_again(record))
        with self.trainer.drafting(self.task):
            sealed = self._index(record)
            report = self._outcome(record, sealed)
            self._wait("preloading", INDEXED)
            self._until_whole(record, lambda: self._switch(record, sealed, report))
        return self.task

    def _embed(self, record: ModelRecord) -> None:
        """Nearly all of the work. What is added meanwhile is caught up with."""
        images, began = self.catalogue.images.count(), time.monotonic()
        there = self.catalogue.features.count(record.model)

        def told(done: int) -> None:
            rate = done / (time.monotonic() - began)
            self.report(
                "embedding",
                EMBEDDED * (there + done) / max(images, there + done, 1),
                EmbeddingProgress(
                    embedded=there + done,
                    images=images,
                    images_per_s=round(rate, 1),
                    eta_s=round(max(0, images - there - done) / rate) if rate else None,
                ),
            )
            if self.catalogue.tasks.make_way(self.task):
                raise TaskWaits(f"{self.task.kind} {self.task.task_id} lets others go first")

        self.whole = self.embedding.catch_up(record, 0, told)

    def _until_whole(self, record: ModelRecord, act: Callable[[], Task]) -> None:
        """Do something that fails while the model has an image to see, until it has seen all.

        All processes show it what they add by now: so there are few, and then none.
        """
        while True:
            try:
                self.task = act()
            except _Behind:
                self.whole = self.embedding.catch_up(record, self.whole, self._catching_up)
            else:
                return

    def _catching_up(self, _done: int) -> None:
        self.report("catching up", EMBEDDED)

    def _look_again(self, record: ModelRecord) -> Task:
        """Take the snapshot of this moment."""
        with self.catalogue.tasks.holding(self.task) as transaction:
            self._check_whole(record, transaction)
            return self.catalogue.tasks.look_again(self.task, transaction)

    def _index(self, record: ModelRecord) -> Sealed | None:
        """Nothing where there was no index before: the first training is the user's to ask for."""
        if not self.generations.numbers() or not self.catalogue.images.count():
            return None

        def scaled(phase: str, progress: float) -> None:
            self.report(phase, EMBEDDED + (INDEXED - EMBEDDED) * progress)

        previous = self.generations.newest_of(record.sha256)
        if self.task.kind == TaskKind.ROLLBACK and previous is not None:
            return self.trainer.onwards(self.task, previous, scaled)
        return self.trainer.afresh(self.task, record, scaled)

    def _outcome(self, record: ModelRecord, sealed: Sealed | None) -> SwitchReport:
        """What the task reports when it has ended well."""
        before = self.catalogue.models.in_use()
        previous = before.version if before else None
        if sealed is None:
            return SwitchReport(record.version, previous)
        index = sealed.meta.quality.summary()
        return SwitchReport(record.version, previous, index, self._agreement(sealed))

    def _agreement(self, sealed: Sealed) -> Agreement | None:
        try:
            current = self.generations.current()
            share = agreement(current, Generation(sealed.folder))
        except IndexDamaged as error:
            log.warning("nothing to agree with: %s", error)
            return None
        return Agreement(share, current.meta.version)

    def _switch(self, record: ModelRecord, sealed: Sealed | None, report: SwitchReport) -> Task:
        """In one commit: from here on the new model answers."""
        ground = self.admission.ground(self.task.kind, record.version)
        with self.catalogue.tasks.publishing(self.task) as publication:
            ground.check(publication.transaction, self.task)
            self._check_whole(record, publication.transaction)
            publication.transaction.use(record)
            if sealed is None:
                publication.record(report)
            else:
                publication.record(report, self.trainer.publish(sealed), sealed.meta.images)
        return publication.task

    def _check_ground(self) -> None:
        """What was asked for may make no sense any more. Raises UnknownVersion, SwitchRefused."""
        ground = self.admission.ground(self.task.kind, self.task.version)
        with self.catalogue.reading() as transaction:
            ground.check(transaction, self.task)

    def _check_whole(self, record: ModelRecord, transaction: Transaction) -> None:
        if transaction.lacks(record, self.whole):
            raise _Behind

    def _wait(self, phase: str, progress: float) -> None:
        """Give every process of the sidecar the time to take notice."""
        ends = time.monotonic() + ROUNDS_S
        while time.monotonic() < ends:
            self.report(phase, progress)
            time.sleep(PAUSE_S)


def check_room(catalogue: Catalogue, record: ModelRecord, folder: Path) -> None:
    """Whether the volume of the index has room for features and an index by a model: rather now
    than after a day. Raises StorageFull."""
    images = catalogue.images.count()
    missing = images - catalogue.features.count(record.model)
    rows = images + (missing if catalogue.is_a_file else 0)
    needed = int(SPARE * rows * (2 * record.dimension + ROW_BYTES))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageFull(
            f"the upgrade takes about {needed / 1e6:.1f} MB, the volume has {free / 1e6:.1f} MB"
        )
