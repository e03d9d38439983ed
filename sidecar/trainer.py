"""What a task does: make the next generation of the index out of the catalogue.

A training starts afresh from every image; an update keeps the generation before and adds what has
come since. Both need nothing but the row of their task, so that anybody can run them again.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Catalogue, Published, Task
from sidecar.drafts import Draft, chunks, sample
from sidecar.errors import NeedMoreSamples, NoSamples, StorageFull
from sidecar.generations import Generations
from sidecar.index import Index, sample_size
from sidecar.meta import CODES

FEWEST_SAMPLES = 1000  # the specification's

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class Trainer:
    """Runs tasks; one at a time is seen to by their table."""

    catalogue: Catalogue
    generations: Generations
    keep_generations: int

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
        _check_samples(0 if model is None else self.catalogue.entries.count(model.model))

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
            return self.catalogue.tasks.publish(task, publishing)
        except (OSError, RuntimeError) as error:  # FAISS has only the latter
            if "No space left" in str(error):
                raise StorageFull("the volume has no room for the next generation") from error
            raise
        finally:
            shutil.rmtree(Draft.path(self.generations.folder, task), ignore_errors=True)

    def _train(self, task: Task, report: Report) -> Callable[[], Published]:
        model = self.catalogue.models.in_use()
        total = 0 if model is None else self.catalogue.entries.count(model.model, task.snapshot)
        _check_samples(total)
        assert model is not None
        draft = Draft(self.generations.folder, task, model)
        pages = self.catalogue.entries.stream(model.model, 0, task.snapshot or 0)
        segment = draft.append(pages, lambda rows: report("reading", 0.3 * rows / total))
        report("clustering", 0.3)
        index = Index.train(sample(segment, sample_size(len(segment))), len(segment))
        _add(index, segment, report)
        return self._publishing(draft, index, trained_on=len(segment))

    def _update(self, task: Task, report: Report) -> Callable[[], Published]:
        previous = self.generations.current()
        model = self.catalogue.models.get(previous.meta.sha256)
        draft = Draft(self.generations.folder, task, model)
        draft.continue_from(previous)
        after, up_to = previous.meta.snapshot, task.snapshot or 0
        pages = self.catalogue.entries.stream(model.model, after, up_to)
        segment = draft.append(pages, lambda rows: report("reading", 0.3))
        if not len(segment):
            return lambda: Published(previous.number, previous.meta.images)
        index = Index.load(previous.folder / CODES, model.dimension)
        _add(index, segment, report)
        return self._publishing(draft, index, previous.meta.trained_on)

    def _publishing(self, draft: Draft, index: Index, trained_on: int) -> Callable[[], Published]:
        folder = draft.seal(index, trained_on)
        images = draft.images
        return lambda: Published(self.generations.publish(folder, self.keep_generations), images)


def _check_samples(images: int) -> None:
    if images == 0:
        raise NoSamples("nothing has been added yet")
    if images < FEWEST_SAMPLES:
        raise NeedMoreSamples(f"a training takes {FEWEST_SAMPLES} images; there are {images}")


def _add(index: Index, segment: NDArray[np.float16], report: Report) -> None:
    done = 0
    for vectors in chunks(segment):
        index.add(vectors)
        done += len(vectors)
        report("adding", 0.5 + 0.4 * done / len(segment))
