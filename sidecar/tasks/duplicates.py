"""Duplicates found: every image of the index is compared with its nearest.

    images not compared yet ──► their nearest, and those of these ──► pairs, a page a commit

Each page is kept at once, so the next attempt after a crash goes on from there, and a run after an
update compares only what came with it: a new pair has a new image. Images of the same bytes are one
here: only the oldest is compared, and the others are its copies.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import (
    PROBABLE,
    Catalogue,
    DuplicateKind,
    DuplicatesProgress,
    DuplicatesReport,
    ModelRecord,
    Pair,
    Task,
    kind_of,
)
from sidecar.index import Generation, GenerationStore
from sidecar.index.ann import ExcludeIds
from sidecar.index.lookalikes import Likely, Lookalikes
from sidecar.models.registry import ModelRegistry
from sidecar.search.likeness import constants_of
from sidecar.tasks.heartbeat import Report
from sidecar.tasks.turn import Turn

PAGE = 256  # images compared at once, and their pairs kept at once
COPIES = 1000  # kept at once
PHASE = "comparing"


@dataclass
class DuplicateFinder:
    """Runs one attempt at a task of the kind `duplicates`."""

    catalogue: Catalogue
    generations: GenerationStore
    task: Task
    report: Report
    models: ModelRegistry
    turn: Turn = field(init=False)

    def __post_init__(self) -> None:
        self.turn = Turn(self.catalogue.tasks, self.task)

    def run(self) -> Task:
        """Runs the task to its end, and returns it as it ended.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            TaskWaits: another task goes first; what was found is kept, as with these:
            NoIndex, IndexDamaged, ModelRefused, CatalogueUnavailable, StorageFull.
        """
        generation = self.generations.current()
        record = self.catalogue.models.get(generation.meta.sha256)
        self.catalogue.duplicates.strike_gone()
        copies = self._copies(record, generation.meta.snapshot)
        excluded, sha256 = self._excluded(generation, copies), generation.meta.sha256
        constants = constants_of(self.models, sha256)
        lookalikes = Lookalikes(generation, min(PROBABLE.values()), excluded, constants)
        todo = self._todo(record, generation, lookalikes.exclude)
        for start in range(0, len(todo), PAGE):
            page = todo[start : start + PAGE]
            self._keep(record, _pairs(lookalikes.of(page)), int(page[-1]))
            done = start + len(page)
            self.report(PHASE, done / len(todo), DuplicatesProgress(done, len(todo)))
            self.turn.may_end()
        return self._publish(record, lookalikes, len(todo))

    def _copies(self, record: ModelRecord, up_to: int) -> NDArray[np.int64]:
        """Keeps the pairs of uploads of the same bytes; returns the sequence numbers of all but the
        oldest of each content, int64 [n]."""
        found = self.catalogue.duplicates.copies(up_to)
        for start in range(0, len(found), COPIES):
            some = found[start : start + COPIES]
            self._keep(record, [(a, b, DuplicateKind.IDENTICAL, 1.0) for a, b in some])
            self.report(PHASE, 0.0)
        return np.array([copy for _, copy in found], np.int64)

    def _excluded(self, generation: Generation, copies: NDArray[np.int64]) -> ExcludeIds | None:
        """Returns what no search should find: copies, and images that are gone."""
        gone = self.catalogue.removals.since(generation.meta.removals).seqs
        both = np.union1d(copies, np.array(gone, np.int64))
        held = generation.segments.holding(both)
        return ExcludeIds(held) if len(held) else None

    def _todo(
        self, record: ModelRecord, generation: Generation, exclude: ExcludeIds | None
    ) -> NDArray[np.int64]:
        """Returns the images that no run has compared yet, int64 [n] ascending."""
        run = self.catalogue.duplicates.run_of(record.model)
        new = generation.segments.seqs[generation.segments.seqs > (run.reached if run else 0)]
        return new if exclude is None else np.setdiff1d(new, exclude.labels)

    def _keep(self, record: ModelRecord, pairs: list[Pair], reached: int | None = None) -> None:
        with self.catalogue.tasks.holding(self.task) as transaction:
            transaction.duplicates.keep(record.model, pairs, reached)

    def _publish(self, record: ModelRecord, lookalikes: Lookalikes, compared: int) -> Task:
        run = self.catalogue.duplicates.run_of(record.model)
        snapshot = lookalikes.generation.meta.snapshot
        with self.catalogue.tasks.publishing(self.task) as publication:
            duplicates = publication.transaction.duplicates
            reached = max(snapshot, run.reached if run else 0)
            duplicates.end_run(record.model, reached, lookalikes.recall)
            counts = {kind.value: count for kind, count in duplicates.counts(record.model).items()}
            report = DuplicatesReport(compared, **counts, search_recall=lookalikes.recall)
            publication.record(report)
        return publication.task


def _pairs(found: list[Likely]) -> list[Pair]:
    """Returns what was found with the kind of each."""
    kinds = [(a, b, kind_of(probability), round(probability, 4)) for a, b, probability in found]
    return [(a, b, kind, probability) for a, b, kind, probability in kinds if kind is not None]
