"""What a task does: make the next generation of the index out of the catalogue.

A training starts afresh from every image; an update keeps the generation before, adds what has come
since and leaves out what has been removed. Both need nothing but the row of their task, so that
anybody can run them again.
"""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidecar.builds import Builder, BuildRules, Report
from sidecar.catalogue import Catalogue, Published, Task
from sidecar.drafts import Draft
from sidecar.errors import CatalogueUnavailable, NeedMoreSamples, NoSamples, StorageFull
from sidecar.generations import Generations
from sidecar.meta import Meta

log = logging.getLogger(__name__)

FEWEST_SAMPLES = 1000  # the specification's


@dataclass(frozen=True)
class Trainer:
    """Runs tasks; one at a time is seen to by their table."""

    catalogue: Catalogue
    generations: Generations
    rules: BuildRules
    keep_generations: int
    fewest_samples: int = FEWEST_SAMPLES

    def check(self, kind: str) -> None:
        """Whether a task of this kind makes sense now.

        Raises:
            NoSamples, NeedMoreSamples: a training has too few images.
            NoIndex: there is nothing to update.
        """
        if kind == "update":
            self.generations.current()
            return
        model = self.catalogue.models.in_use()
        self._check_samples(0 if model is None else self.catalogue.vectors.count(model.model))

    def run(self, task: Task, report: Report) -> Task:
        """Do a claimed task and publish what it made.

        Args:
            report: is told the phase and the progress, 0..1; raises TaskLost to stop the work.
        Raises:
            TaskLost: the task was cancelled or given to another attempt; nothing was published.
            StorageFull, NoSamples, NeedMoreSamples, NoIndex, DeviceUnavailable: nor then.
        """
        make = self._update if task.kind == "update" else self._train
        try:
            publishing = make(task, report)
            report("publishing", 0.95)
            done = self.catalogue.tasks.publish(task, publishing)
        except (OSError, RuntimeError) as error:  # FAISS has only the latter
            if "No space left" in str(error):
                raise StorageFull("the volume has no room for the next generation") from error
            raise
        else:
            self._tidy()
            return done
        finally:
            shutil.rmtree(Draft.path(self.generations.folder, task), ignore_errors=True)

    def _tidy(self) -> None:
        """Forget the removals that no generation needs to know any more, and free their room."""
        try:
            kept = [Meta.read(self.generations.path(n)) for n in self.generations.numbers()]
            self.catalogue.removals.forget(min(meta.removals for meta in kept))
        except (CatalogueUnavailable, StorageFull, OSError, ValueError) as error:
            log.warning("what was removed is forgotten another time: %s", error)

    def _train(self, task: Task, report: Report) -> Callable[[], Published]:
        model = self.catalogue.models.in_use()
        total = 0 if model is None else self.catalogue.vectors.count(model.model, task.snapshot)
        self._check_samples(total)
        assert model is not None
        builder = Builder(self.rules, report)
        draft = Draft(self.generations.folder, task, model)
        pages = self.catalogue.vectors.stream(model.model, 0, task.snapshot or 0)
        draft.append(pages, lambda rows: report("reading", 0.1 * rows / total))
        build = builder.afresh(draft.segments())
        return self._publishing(*draft.seal(build, task.removals or 0, task.snapshot or 0))

    def _update(self, task: Task, report: Report) -> Callable[[], Published]:
        previous = self.generations.current()
        model = self.catalogue.models.get(previous.meta.sha256)
        removed = self.catalogue.removals.since(previous.meta.removals)
        gone = previous.segments.holding(np.array(removed.seqs, np.int64))
        builder = Builder(self.rules, report)
        draft = Draft(self.generations.folder, task, model)
        draft.continue_from(previous, gone)
        stayed, after, up_to = draft.images, previous.meta.snapshot, task.snapshot or 0
        pages = self.catalogue.vectors.stream(model.model, after, up_to)
        draft.append(pages, lambda rows: report("reading", 0.1))
        if not draft.added and not len(gone):
            return lambda: _published(previous.number, previous.meta)
        build = builder.onwards(previous, gone, draft.segments(), stayed)
        return self._publishing(*draft.seal(build, removed.last, max(after, up_to)))

    def _publishing(self, meta: Meta, folder: Path) -> Callable[[], Published]:
        return lambda: _published(self.generations.publish(folder, self.keep_generations), meta)

    def _check_samples(self, images: int) -> None:
        if images == 0:
            raise NoSamples("nothing has been added yet")
        if images < self.fewest_samples:
            raise NeedMoreSamples(
                f"a training takes {self.fewest_samples} images; there are {images}"
            )


def _published(number: int, meta: Meta) -> Published:
    return Published(number, meta.images, meta.quality.summary())
