"""Another model into use while requests go on: an upgrade, and a rollback, which is the way back.

    load ──► embed what is stored ──► join ──► catch up ──► index ──► preload ──► switch
             (behind live traffic)    adds have features of both from here on     in one commit

Until the switch nothing that clients see depends on the new model. All that is made is kept at
once, so a task that was killed goes on where it was.
"""

import logging
import time
from dataclasses import dataclass

from sidecar.catalogue import Agreement, Catalogue, ModelRecord, SwitchReport, Task, TaskKind
from sidecar.errors import IndexAhead, IndexDamaged
from sidecar.index import GenerationStore, Sealed
from sidecar.index.agreement import agreement
from sidecar.models.loader import ModelLoader
from sidecar.tasks.admission import Admission
from sidecar.tasks.backfill import Backfill
from sidecar.tasks.catch_up import EMBEDDED, CatchUp
from sidecar.tasks.disk_space import check_room
from sidecar.tasks.heartbeat import Report, scaled
from sidecar.tasks.training import Trainer
from sidecar.warmup import ROUND_S

log = logging.getLogger(__name__)

# Two rounds of each process's warm-up at least: a round takes less time than the pause before it.
ROUNDS_S = 3 * ROUND_S
PAUSE_S = 0.1
SEEN_S = 10.0  # since its last life sign a process is waited for, where there are several hosts
PRELOAD_LIMIT_S = 600.0  # after that a host that is slow answers by the index that it has
INDEXED = 0.95  # of the progress


@dataclass(frozen=True)
class Parts:
    """The parts that an upgrade works with."""

    catalogue: Catalogue
    generations: GenerationStore
    trainer: Trainer
    loader: ModelLoader
    backfill: Backfill
    admission: Admission


class Upgrader:
    """Runs one attempt at an upgrade or a rollback."""

    def __init__(self, parts: Parts, task: Task, report: Report) -> None:
        """Takes a claimed task: when it has ended well, the version in `task.version` is in use."""
        self.catalogue = parts.catalogue
        self.generations = parts.generations
        self.trainer = parts.trainer
        self.loader = parts.loader
        self.backfill = parts.backfill
        self.admission = parts.admission
        self.task = task
        self.report = report

    def run(self) -> Task:
        """Runs the task to its end, and returns it as it ended.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            TaskWaits: a training or an update goes first.
            UnknownVersion, SwitchRefused: it no longer makes sense; everything is as it was.
            ModelRefused, FeaturesUnavailable, CatalogueDamaged, CatalogueUnavailable, StorageFull,
            IndexDamaged, DeviceUnavailable: everything is as it was, but for the features that have
                been made: these are kept.
        """
        assert self.task.version is not None
        self.report("loading", 0.0)
        self._check_admission()
        record = self.loader.load(self.task.version).record
        check_room(self.catalogue, record, self.generations)
        catch_up = CatchUp(self.catalogue, self.backfill, record, self.task, self.report)
        catch_up.embed_stored()
        self.catalogue.models.join(record)
        self._wait("catching up", EMBEDDED)
        self.task = catch_up.until_complete(lambda: self._new_snapshot(catch_up))
        with self.trainer.drafting(self.task):
            sealed = self._index(record)
            outcome = self._outcome(record, sealed)
            self._preload(sealed)
            return catch_up.until_complete(lambda: self._switch(catch_up, sealed, outcome))

    def _check_admission(self) -> None:
        """Raises UnknownVersion or SwitchRefused where the request no longer makes sense."""
        facts = self.admission.facts(self.task.kind, self.task.version)
        with self.catalogue.reading() as transaction:
            facts.check(transaction, self.task)

    def _wait(self, phase: str, progress: float) -> None:
        """Gives every process of the sidecar the time to take notice."""
        deadline = time.monotonic() + ROUNDS_S
        while time.monotonic() < deadline:
            self.report(phase, progress)
            time.sleep(PAUSE_S)

    def _preload(self, sealed: Sealed | None) -> None:
        """Returns when every process of the sidecar has the draft open; where there are other
        hosts, when those that live say so, or too much time has gone by."""
        if sealed is not None:
            self.trainer.offer(self.task, sealed, lambda *_: self.report("preloading", INDEXED))
        if self.trainer.publisher.offered is None:
            self._wait("preloading", INDEXED)
            return
        deadline = time.monotonic() + PRELOAD_LIMIT_S
        while late := self._late(self.trainer.publisher.offered):
            self.report("preloading", INDEXED)
            if time.monotonic() > deadline:
                log.warning("switching without %s, which lack the new index", ", ".join(late))
                return
            time.sleep(PAUSE_S)

    def _late(self, digest: str) -> list[str]:
        """Returns the hosts with a process that does not have the draft open yet."""
        seen = self.catalogue.readers.seen(SEEN_S)
        return sorted({each.host for each in seen if each.draft != digest})

    def _new_snapshot(self, catch_up: CatchUp) -> Task:
        with self.catalogue.tasks.holding(self.task) as transaction:
            catch_up.check(transaction)
            return self.catalogue.tasks.look_again(self.task, transaction)

    def _index(self, record: ModelRecord) -> Sealed | None:
        """Drafts an index by the new model; none before the first training, which users request."""
        if not self.trainer.may_replace_index():
            return None
        report = scaled(self.report, EMBEDDED, INDEXED)
        previous = self.generations.newest_of(record.sha256)
        goes_on = previous is not None and self.generations.engine.made(previous.meta)
        if self.task.kind == TaskKind.ROLLBACK and previous is not None and goes_on:
            return self.trainer.draft_update(self.task, previous, report)
        return self.trainer.draft_training(self.task, record, report)

    def _outcome(self, record: ModelRecord, sealed: Sealed | None) -> SwitchReport:
        """Returns what the task reports when it has ended well."""
        before = self.catalogue.models.in_use()
        previous = before.version if before else None
        if sealed is None:
            return SwitchReport(record.version, previous)
        index = sealed.meta.quality.summary()
        return SwitchReport(record.version, previous, index, self._agreement(sealed))

    def _agreement(self, sealed: Sealed) -> Agreement | None:
        try:
            current = self.generations.current()
            share = agreement(current, self.generations.open(sealed.folder))
        except (IndexDamaged, IndexAhead) as error:
            log.warning("the agreement of the two versions was not measured: %s", error)
            return None
        return Agreement(share, current.meta.version)

    def _switch(self, catch_up: CatchUp, sealed: Sealed | None, outcome: SwitchReport) -> Task:
        """Brings the new model into use, in one commit: from here on it answers."""
        record = catch_up.record
        facts = self.admission.facts(self.task.kind, record.version)
        with self.catalogue.tasks.publishing(self.task) as publication:
            facts.check(publication.transaction, self.task)
            catch_up.check(publication.transaction)
            publication.transaction.use(record)
            if sealed is None:
                publication.record(outcome)
            else:
                number = self.trainer.publish(publication.transaction, sealed)
                publication.record(outcome, number, sealed.meta.images)
        return publication.task
