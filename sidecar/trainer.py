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

from sidecar.catalogue import Catalogue, Published, Task
from sidecar.drafts import Draft
from sidecar.errors import CatalogueUnavailable, NeedMoreSamples, NoSamples, StorageFull
from sidecar.generations import Generations
from sidecar.index import Index, sample_size
from sidecar.meta import CODES, Meta

log = logging.getLogger(__name__)

FEWEST_SAMPLES = 1000  # the specification's

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Trainer:
    """Runs tasks; one at a time is seen to by their table."""

    catalogue: Catalogue
    generations: Generations
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
            StorageFull, NoSamples, NeedMoreSamples, NoIndex: nothing was published.
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
        draft = Draft(self.generations.folder, task, model)
        pages = self.catalogue.vectors.stream(model.model, 0, task.snapshot or 0)
        draft.append(pages, lambda rows: report("reading", 0.3 * rows / total))
        report("clustering", 0.3)
        index = Index.train(draft.sample(sample_size(draft.added)), draft.added)
        _add(index, draft, report)
        folder = draft.seal(index, task.removals or 0, task.snapshot or 0, trained_on=draft.added)
        return self._publishing(folder, draft.images)

    def _update(self, task: Task, report: Report) -> Callable[[], Published]:
        previous = self.generations.current()
        model = self.catalogue.models.get(previous.meta.sha256)
        removed = self.catalogue.removals.since(previous.meta.removals)
        gone = previous.holding(np.array(removed.seqs, np.int64))
        draft = Draft(self.generations.folder, task, model)
        draft.continue_from(previous, gone)
        after, up_to = previous.meta.snapshot, task.snapshot or 0
        pages = self.catalogue.vectors.stream(model.model, after, up_to)
        draft.append(pages, lambda rows: report("reading", 0.3))
        if not draft.added and not len(gone):
            return lambda: Published(previous.number, previous.meta.images)
        index = Index.load(previous.folder / CODES, model.dimension)
        index.remove(gone)
        _add(index, draft, report)
        snapshot = max(after, up_to)
        folder = draft.seal(index, removed.last, snapshot, previous.meta.trained_on)
        return self._publishing(folder, draft.images)

    def _publishing(self, folder: Path, images: int) -> Callable[[], Published]:
        return lambda: Published(self.generations.publish(folder, self.keep_generations), images)

    def _check_samples(self, images: int) -> None:
        if images == 0:
            raise NoSamples("nothing has been added yet")
        if images < self.fewest_samples:
            raise NeedMoreSamples(
                f"a training takes {self.fewest_samples} images; there are {images}"
            )


def _add(index: Index, draft: Draft, report: Report) -> None:
    done = 0
    for seqs, vectors in draft.chunks():
        index.add(seqs, vectors)
        done += len(seqs)
        report("adding", 0.5 + 0.4 * done / draft.added)
