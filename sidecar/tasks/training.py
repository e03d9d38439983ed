"""Trainings and updates: the next generation of the index, made out of the catalogue.

A training starts afresh from every image; an update keeps the generation before, adds what has come
since and leaves out what has been removed. Both need nothing but the row of their task, so that any
worker can run them again.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Catalogue, ModelRecord, Removed, Shared, Task, TaskKind, Transaction
from sidecar.errors import (
    CatalogueUnavailable,
    IndexStoreUnavailable,
    SimilarityError,
    StorageFull,
)
from sidecar.index import (
    BuildRules,
    Commission,
    Draft,
    Generation,
    GenerationStore,
    GenerationWriter,
    Sealed,
)
from sidecar.index.engine import Report
from sidecar.index.meta import Meta
from sidecar.index.publisher import Made, Publisher
from sidecar.index.sharing.parts import Sharing
from sidecar.index.sharing.publisher import publisher
from sidecar.index.writer import measured
from sidecar.tasks import field_snapshots, keyword_snapshots, patience
from sidecar.tasks.samples import FEWEST_SAMPLES, check_samples
from sidecar.tasks.twin_check import TwinCheck

log = logging.getLogger(__name__)

PUBLISHING = 0.95  # of the progress
PATIENCE_S = 3600.0  # with what is away; a training may have taken longer than that


@dataclass(frozen=True)
class Trainer:
    """Runs trainings and updates; the table of tasks sees to it that only one task runs at a time.

    Args:
        keep_generations: how many generations stay on the volume, the newest among them.
        fewest_samples: images below which a training is refused.
        twins: what checks the probability of the same image after a training, if anything does.
        sharing: the parts by which other hosts get what is published; None where there are none.
    """

    catalogue: Catalogue
    generations: GenerationStore
    rules: BuildRules
    keep_generations: int
    fewest_samples: int = FEWEST_SAMPLES
    twins: TwinCheck | None = None
    sharing: Sharing | None = None

    @cached_property
    def publisher(self) -> Publisher:
        """What it publishes by."""
        parts = (self.catalogue, self.generations, self.keep_generations)
        return publisher(self.sharing, *parts)

    def run(self, task: Task, report: Report) -> Task:
        """Runs a claimed task, publishes what it made, and returns the task as it ended.

        Args:
            report: gets the phase and the progress, 0..1; raises TaskLost to stop the work.
        Raises:
            TaskLost: the task was cancelled or given to another attempt; nothing was published.
            IndexStoreUnavailable, StorageFull, NoSamples, NeedMoreSamples, NoIndex,
                DeviceUnavailable: nor then.
        """
        make = self._update if task.kind == TaskKind.UPDATE else self._train
        with self.drafting(task):
            made = make(task, report)
            report("publishing", PUBLISHING)
            there = made if isinstance(made, Generation) else None
            if there is not None and not self.publisher.has_published(there):
                there = None
            if there is None:
                self.offer(task, made, report)
            with self.catalogue.tasks.publishing(task) as publication:
                number = there.number if there else self.publish(publication.transaction, made)
                publication.record(made.meta.quality.summary(), number, made.meta.images)
        return publication.task

    @contextmanager
    def drafting(self, task: Task) -> Iterator[None]:
        """Removes at the end of the block what a task has drafted and not published.

        Raises:
            StorageFull: the volume has no room for it.
        """
        try:
            yield
        except Exception as error:
            self._withdraw()
            # FAISS has only the latter.
            if isinstance(error, OSError | RuntimeError) and "No space left" in str(error):
                raise StorageFull(
                    "the volume of DATA_DIR has no room for the next generation"
                ) from error
            raise
        else:
            self._tidy()
        finally:
            shutil.rmtree(GenerationWriter.path(self.generations.folder, task), ignore_errors=True)

    def draft_training(self, task: Task, model: ModelRecord, report: Report) -> Sealed:
        """Drafts a generation out of all features of a model up to the task's snapshot."""
        total = self.catalogue.features.count(model.model, task.snapshot)
        draft = self._draft(task, model, report)
        pages = self.catalogue.features.stream(model.model, 0, task.snapshot or 0)
        draft.append(pages, lambda rows: report("reading", 0.1 * rows / total))
        field_snapshots.take(self.catalogue.metadata, draft, task.changes or 0)
        keyword_snapshots.take(self.catalogue.features, draft, model.model, task.snapshot or 0)
        draft.build()
        sealed = draft.seal(task.removals or 0, task.snapshot or 0)
        return self._checked(sealed, report)

    def draft_update(self, task: Task, previous: Generation, report: Report) -> Sealed:
        """Drafts what follows a generation: what was added since joins, what was removed leaves."""
        model = self.catalogue.models.get(previous.meta.sha256)
        removed, held = self._gone(previous, task)
        draft = self._draft(task, model, report)
        draft.continue_from(previous, held)
        after, up_to = previous.meta.snapshot, task.snapshot or 0
        pages = self.catalogue.features.stream(model.model, after, up_to)
        draft.append(pages, lambda rows: report("reading", 0.1))
        field_snapshots.take(self.catalogue.metadata, draft, task.changes or 0, previous)
        keyword_snapshots.take(self.catalogue.features, draft, model.model, up_to, previous)
        draft.build()
        return draft.seal(removed.last, max(after, up_to))

    def _checked(self, sealed: Sealed, report: Report) -> Sealed:
        """Checks the probability of the same image in a draft, where that can be done."""
        if self.twins is None:
            return sealed
        report("checking", 0.92)
        found = self.twins.of(self.generations.open(sealed.folder))
        if found is None:
            return sealed
        return measured(sealed, replace(sealed.meta.quality, same_image=found))

    def _draft(self, task: Task, model: ModelRecord, report: Report) -> Draft:
        identity = self.catalogue.marks.identity()
        commission = Commission(task, model, identity, self.rules, report)
        return self.generations.engine.draft(self.generations.folder, commission)

    def may_replace_index(self) -> bool:
        """Returns whether there is an index, and there are images to make another one of."""
        return bool(self.generations.numbers()) and self.catalogue.images.count() > 0

    def offer(self, task: Task, made: Made, report: Report) -> None:
        """Shows a draft to the other hosts, which fetch it; waits while the store is away, or the
        database: hours of work may be in the draft.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            IndexStoreUnavailable, CatalogueUnavailable: it was away for too long.
        """

        def going_on() -> None:
            report("publishing", PUBLISHING)

        def act() -> None:
            with self.catalogue.tasks.holding(task):
                pass  # so there is a database to publish in
            self.publisher.offer(task, made, going_on)

        away = (IndexStoreUnavailable, CatalogueUnavailable)
        patience.retried(act, going_on, PATIENCE_S, away)

    def publish(self, transaction: Transaction, made: Made) -> int:
        """Makes a draft that was offered the generation that is searched, with the commit; returns
        its number."""
        return self.publisher.publish(transaction, made)

    def discard(self, sha256: str) -> None:
        """Drops the generations of a model."""
        self.publisher.discard(sha256)
        self._tidy_engine()

    def drop(self, task: Task) -> None:
        """Ends a task by deleting the index, where there are no images."""
        with self.catalogue.tasks.publishing(task) as publication:
            self.publisher.drop(publication.transaction)
        self.publisher.tidy()
        self._tidy_engine()

    def _withdraw(self) -> None:
        try:
            self.publisher.withdraw()
        except (CatalogueUnavailable, StorageFull) as error:
            log.warning("a draft is given up with the next task: %s", error)

    def _train(self, task: Task, report: Report) -> Sealed:
        model = self.catalogue.models.in_use()
        images = 0 if model is None else self.catalogue.features.count(model.model, task.snapshot)
        check_samples(images, self.fewest_samples)
        assert model is not None
        return self.draft_training(task, model, report)

    def _update(self, task: Task, report: Report) -> Sealed | Generation:
        """Returns a draft; or the generation that is there already, where nothing has changed."""
        previous = self.generations.current()
        in_use = self.catalogue.models.in_use()
        is_foreign = not self.generations.engine.made(previous.meta)
        # Or the newest generation is damaged: one of the model before answers meanwhile.
        if in_use is not None and (is_foreign or in_use.sha256 != previous.meta.sha256):
            return self.draft_training(task, in_use, report)
        if not self._changed(task, previous):
            return previous
        return self.draft_update(task, previous, report)

    def _changed(self, task: Task, previous: Generation) -> bool:
        """Returns whether anything was added, removed, described anew or given its first keywords
        since a generation was made, or a newer one is there that the catalogue has fallen behind:
        what is published clears that away."""
        if self.generations.ahead() or (task.changes or 0) > previous.meta.last_change:
            return True
        model = self.catalogue.models.get(previous.meta.sha256).model
        if keyword_snapshots.any_made_since(self.catalogue.features, model, previous):
            return True
        span = (previous.meta.snapshot, task.snapshot or 0)
        added = next(self.catalogue.features.stream(model, *span, page=1), None)
        return added is not None or len(self._gone(previous, task)[1]) > 0

    def _gone(self, previous: Generation, task: Task) -> tuple[Removed, NDArray[np.int64]]:
        """Returns what was removed since a generation was made, up to the moment at which the task
        looked, and the sequence numbers, int64 [n], of what of it the generation holds."""
        removed = self.catalogue.removals.since(previous.meta.removals, task.removals)
        return removed, previous.segments.holding(np.array(removed.seqs, np.int64))

    def _tidy(self) -> None:
        """Forgets the removals and the marks that no generation needs any more, and frees their
        room."""
        try:
            here = [Meta.read(self.generations.path(n)) for n in self.generations.numbers()]
            elsewhere = [row for row in self.publisher.kept() if row.digest is not None]
            kept: list[Meta | Shared] = [*here, *elsewhere]
            if kept:
                marks = [each.mark for each in kept if each.mark is not None]
                self.catalogue.marks.forget_before(marks)
                self.catalogue.removals.forget(min(each.removals for each in kept))
        except (CatalogueUnavailable, StorageFull, OSError, ValueError) as error:
            log.warning("old removals are forgotten after a later task: %s", error)
        try:
            self.publisher.tidy()
        except (SimilarityError, OSError) as error:
            log.warning("the index store is cleared after a later task: %s", error)
        self._tidy_engine()

    def _tidy_engine(self) -> None:
        """Has the engine delete what no generation has any more."""
        try:
            self.generations.engine.tidy(self.generations.folder, self._metas())
        except (SimilarityError, OSError, ValueError) as error:
            log.warning("the index engine is cleared after a later task: %s", error)

    def _metas(self) -> Iterator[Meta]:
        """Yields what is said of each generation, on this host and on others."""
        yield from (Meta.read(self.generations.path(n)) for n in self.generations.numbers())
        yield from self.publisher.metas()
