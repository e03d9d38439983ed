"""Keywords of images that an older release has stored: made by the model in use, behind all live
traffic.

    features without keywords ──► calls ──► decode, Triton ──► keywords, a page a commit

Each page is kept at once, so the next attempt after a crash goes on from there; when the model in
use was replaced meanwhile, by the new one.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

from sidecar.catalogue import (
    Catalogue,
    EmbeddingProgress,
    FillingReport,
    ModelRecord,
    Task,
    TaskKind,
    TopKeywords,
    Unlabelled,
)
from sidecar.errors import CatalogueDamaged
from sidecar.models.registry import ModelRegistry
from sidecar.tasks import patience
from sidecar.tasks.embedding import described
from sidecar.tasks.heartbeat import Report
from sidecar.tasks.turn import Turn

PAGE = 256  # images read at once, and stored at once
PHASE = "embedding"


@dataclass
class KeywordBackfill:
    """Runs one attempt at a task of the kind `fill`.

    Args:
        index_follows: whether to ask for an update at the end, which brings the keywords into the
            index.
    """

    catalogue: Catalogue
    models: ModelRegistry
    task: Task
    report: Report
    index_follows: bool = False
    damaged: dict[int, str] = field(default_factory=dict)  # ids of images whose JPEG is, by number

    def __post_init__(self) -> None:
        self.turn = Turn(self.catalogue.tasks, self.task)

    def run(self) -> Task:
        """Runs the task to its end, and returns it as it ended.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            TaskWaits: another task goes first.
            CatalogueDamaged: the JPEGs of some images are not what was stored; all others have
                their keywords.
            FeaturesUnavailable, ModelRefused, ModelReplaced: the model in use does not answer for
                too long; what has been made is kept, as with these:
            CatalogueUnavailable, PicturesStoreUnavailable, StorageFull.
        """
        record = self.catalogue.models.in_use()
        while record is not None and self._pass(record):
            record = self.catalogue.models.in_use()
        if self.damaged:
            raise CatalogueDamaged(
                f"the JPEGs of {', '.join([*self.damaged.values()][:10])} are not what was stored: "
                "add these images again with overwrite=1, or remove them; all others have keywords"
            )
        with self.catalogue.tasks.publishing(self.task) as publication:
            if record is not None:
                publication.record(FillingReport(record.version, self._with_keywords(record)))
            if self.index_follows:
                publication.transaction.tasks.request(TaskKind.UPDATE)
        return publication.task

    def _pass(self, record: ModelRecord) -> bool:
        """Makes the keywords that are missing now; returns whether there were any."""
        done, made, began = 0, dict[int, TopKeywords](), time.monotonic()
        images, before = self._count(record), self._with_keywords(record)

        def store() -> int:
            self.catalogue.features.label(record, made)
            stored = done + len(made)
            took_s = time.monotonic() - began
            figures = EmbeddingProgress.after(before, stored, images, took_s)
            self.report(PHASE, figures.share, figures)
            made.clear()
            return stored

        with closing(described(self.models, record, self._calls(record))) as answers:
            for answer in answers:
                made |= {seq: each.keywords for seq, each in answer.items()}
                if len(made) >= PAGE:
                    done = store()
                    self.turn.may_end()
        return bool(store() if made else done)

    def _calls(self, record: ModelRecord) -> Iterator[list[Unlabelled]]:
        """Yields the images without keywords, as many at once as a call may have."""
        after = 0
        while page := self._page(record, after):
            self.damaged |= {image.seq: image.id for image in page if not image.is_whole}
            whole = [image for image in page if image.is_whole]
            size = self._largest_call(record)
            for start in range(0, len(whole), size):
                yield whole[start : start + size]
            after = page[-1].seq

    def _page(self, record: ModelRecord, after: int) -> list[Unlabelled]:
        """Waits for the store of the images, where that is away."""
        return patience.retried(
            lambda: self.catalogue.features.unlabelled(record.model, after, PAGE),
            before_retry=lambda: self.report(PHASE, 0.0),
        )

    def _largest_call(self, record: ModelRecord) -> int:
        """Waits for the model, where Triton is away."""
        return patience.retried(
            lambda: self.models.verified(record.version, record.sha256).largest_call,
            before_retry=lambda: self.report(PHASE, 0.0),
        )

    def _count(self, record: ModelRecord) -> int:
        return self.catalogue.features.count(record.model)

    def _with_keywords(self, record: ModelRecord) -> int:
        return self._count(record) - self.catalogue.features.count_unlabelled(record.model)
