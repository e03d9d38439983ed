"""What a task does: make the next generation of the index out of the catalogue.

A training starts afresh from every image; an update keeps the generation before, adds what has come
since and leaves out what has been removed. Both need nothing but the row of their task, so that
anybody can run them again.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Catalogue, ModelRecord, Removed, Task, TaskKind
from sidecar.errors import CatalogueUnavailable, StorageFull
from sidecar.index import Builder, BuildRules, Generation, GenerationStore, GenerationWriter, Sealed
from sidecar.index.builder import Report
from sidecar.index.meta import Meta
from sidecar.tasks.samples import FEWEST_SAMPLES, check_samples

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trainer:
    """Runs tasks; one at a time is seen to by their table."""

    catalogue: Catalogue
    generations: GenerationStore
    rules: BuildRules
    keep_generations: int
    fewest_samples: int = FEWEST_SAMPLES

    def run(self, task: Task, report: Report) -> Task:
        """Do a claimed task and publish what it made.

        Args:
            report: is told the phase and the progress, 0..1; raises TaskLost to stop the work.
        Raises:
            TaskLost: the task was cancelled or given to another attempt; nothing was published.
            StorageFull, NoSamples, NeedMoreSamples, NoIndex, DeviceUnavailable: nor then.
        """
        make = self._update if task.kind == TaskKind.UPDATE else self._train
        with self.drafting(task):
            made = make(task, report)
            report("publishing", 0.95)
            with self.catalogue.tasks.publishing(task) as publication:
                number = made.number if isinstance(made, Generation) else self.publish(made)
                publication.record(made.meta.quality.summary(), number, made.meta.images)
        return publication.task

    @contextmanager
    def drafting(self, task: Task) -> Iterator[None]:
        """What a task makes and does not publish is gone when the block ends.

        Raises:
            StorageFull: the volume has no room for it.
        """
        try:
            yield
        except (OSError, RuntimeError) as error:  # FAISS has only the latter
            if "No space left" in str(error):
                raise StorageFull("the volume has no room for the next generation") from error
            raise
        else:
            self._tidy()
        finally:
            shutil.rmtree(GenerationWriter.path(self.generations.folder, task), ignore_errors=True)

    def afresh(self, task: Task, model: ModelRecord, report: Report) -> Sealed:
        """Draft a generation out of all features of a model up to the task's snapshot."""
        total = self.catalogue.features.count(model.model, task.snapshot)
        builder = Builder(self.rules, report)
        draft = GenerationWriter(self.generations.folder, task, model)
        pages = self.catalogue.features.stream(model.model, 0, task.snapshot or 0)
        draft.append(pages, lambda rows: report("reading", 0.1 * rows / total))
        build = builder.train(draft.segments())
        return draft.seal(build, task.removals or 0, task.snapshot or 0)

    def onwards(self, task: Task, previous: Generation, report: Report) -> Sealed:
        """Draft what follows a generation: with what has come and without what has gone since."""
        model = self.catalogue.models.get(previous.meta.sha256)
        removed, gone = self._gone(previous)
        builder = Builder(self.rules, report)
        draft = GenerationWriter(self.generations.folder, task, model)
        draft.continue_from(previous, gone)
        stayed, after, up_to = draft.images, previous.meta.snapshot, task.snapshot or 0
        pages = self.catalogue.features.stream(model.model, after, up_to)
        draft.append(pages, lambda rows: report("reading", 0.1))
        build = builder.update(previous, gone, draft.segments(), stayed)
        return draft.seal(build, removed.last, max(after, up_to))

    def publish(self, sealed: Sealed) -> int:
        """Make a draft the generation that is searched; returns its number."""
        return self.generations.publish(sealed.folder, self.keep_generations)

    def _train(self, task: Task, report: Report) -> Sealed:
        model = self.catalogue.models.in_use()
        images = 0 if model is None else self.catalogue.features.count(model.model, task.snapshot)
        check_samples(images, self.fewest_samples)
        assert model is not None
        return self.afresh(task, model, report)

    def _update(self, task: Task, report: Report) -> Sealed | Generation:
        """A draft; or the generation that is there already, where nothing has changed."""
        previous = self.generations.current()
        in_use = self.catalogue.models.in_use()
        if in_use is not None and in_use.sha256 != previous.meta.sha256:
            # The last one of this model is damaged, and one of the model before answers meanwhile.
            return self.afresh(task, in_use, report)
        return self.onwards(task, previous, report) if self._changed(task, previous) else previous

    def _changed(self, task: Task, previous: Generation) -> bool:
        """Whether anything was added or removed since a generation was made."""
        model = self.catalogue.models.get(previous.meta.sha256).model
        span = (previous.meta.snapshot, task.snapshot or 0)
        added = next(self.catalogue.features.stream(model, *span, page=1), None)
        return added is not None or len(self._gone(previous)[1]) > 0

    def _gone(self, previous: Generation) -> tuple[Removed, NDArray[np.int64]]:
        """What was removed since a generation was made, and what of it the generation holds."""
        removed = self.catalogue.removals.since(previous.meta.removals)
        return removed, previous.segments.holding(np.array(removed.seqs, np.int64))

    def _tidy(self) -> None:
        """Forget the removals that no generation needs to know any more, and free their room."""
        try:
            kept = [Meta.read(self.generations.path(n)) for n in self.generations.numbers()]
            if kept:
                self.catalogue.removals.forget(min(meta.removals for meta in kept))
        except (CatalogueUnavailable, StorageFull, OSError, ValueError) as error:
            log.warning("what was removed is forgotten another time: %s", error)
