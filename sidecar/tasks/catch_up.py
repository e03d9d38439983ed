"""A new model catching up with the catalogue, from its first features until it has those of all."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sidecar.catalogue import Catalogue, EmbeddingProgress, ModelRecord, Task, Transaction
from sidecar.tasks.backfill import Backfill
from sidecar.tasks.heartbeat import Report
from sidecar.tasks.turn import Turn

EMBEDDED = 0.6  # of an upgrade's progress, when what is stored has been embedded


class _Behind(Exception):
    """The model has no features of an image yet."""


@dataclass
class CatchUp:
    """Embeds what the model of an upgrade has no features of.

    Args:
        complete_to: up to this sequence number the model has features of every image.
    """

    catalogue: Catalogue
    backfill: Backfill
    record: ModelRecord
    task: Task
    report: Report
    complete_to: int = 0

    def embed_stored(self) -> None:
        """Embeds what is stored: nearly all of an upgrade's work.

        Raises:
            TaskWaits: a training or an update goes first.
        """
        turn = Turn(self.catalogue.tasks, self.task)
        images, began = self.catalogue.images.count(), time.monotonic()
        before = self.catalogue.features.count(self.record.model)

        def on_stored(done: int) -> None:
            took_s = time.monotonic() - began
            figures = EmbeddingProgress.after(before, done, images, took_s)
            self.report("embedding", EMBEDDED * figures.share, figures)
            turn.may_end()

        self.complete_to = self.backfill.catch_up(self.record, 0, on_stored)

    def until_complete(self, act: Callable[[], Task]) -> Task:
        """Returns what `act` returns, once the model has features of every image.

        All processes embed what they add by this model, too, by now: so few images are missing, and
        then none.

        Args:
            act: calls `check` in its transaction.
        """
        while True:
            try:
                return act()
            except _Behind:
                after = self.complete_to
                self.complete_to = self.backfill.catch_up(self.record, after, self._on_stored)

    def check(self, transaction: Transaction) -> None:
        """Has `until_complete` try again where the model has no features of an image."""
        if transaction.lacks(self.record, self.complete_to):
            raise _Behind

    def _on_stored(self, _done: int) -> None:
        self.report("catching up", EMBEDDED)
