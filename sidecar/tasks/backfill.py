"""Stored images embedded by another model: behind all live traffic, as fast as that leaves room.

    images without features ──► calls ──► decode, Triton ──► features, keywords, a page a commit

Each page is kept at once, so the next attempt after a crash goes on from there.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from sidecar.catalogue import Features, Images, ModelRecord, StoredImage
from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry
from sidecar.tasks import patience
from sidecar.tasks.embedding import Described, described

PAGE = 256  # images read at once, and stored at once

OnStored = Callable[[int], None]


@dataclass(frozen=True)
class Backfill:
    """Embeds the stored images that a model has no features of."""

    images: Images
    features: Features
    models: ModelRegistry

    def catch_up(self, record: ModelRecord, after: int, on_stored: OnStored) -> int:
        """Embeds the images that a model has no features of, as many as there are by now.

        Args:
            after: a sequence number up to which it has those of all.
            on_stored: gets the number of images stored so far, after each page and while the store
                of the images is waited for; what it raises ends the work.
        Returns:
            a sequence number up to which it has those of all now.
        Raises:
            FeaturesUnavailable: Triton was away for too long.
            ModelReplaced: the catalogue no longer knows the model.
            PicturesStoreUnavailable: so was the store of the images.
            ModelRefused, CatalogueDamaged, StorageFull, CatalogueUnavailable.
        """
        up_to = max(after, (self.images.last_added() or (0, 0.0))[0])
        done = 0
        embedded: Described = {}
        model = self.models.verified(record.version, record.sha256)
        calls = self._calls(model, after, up_to, lambda: on_stored(done))
        with closing(described(self.models, record, calls)) as answers:
            for answer in answers:
                embedded |= answer
                if len(embedded) >= PAGE:
                    done += self._store(record, embedded)
                    on_stored(done)
        on_stored(done + self._store(record, embedded))
        return up_to

    def _calls(
        self, model: Model, after: int, up_to: int, waiting: Callable[[], object]
    ) -> Iterator[list[StoredImage]]:
        """Yields the images without features, as many at once as a call may have."""

        def page_after(seq: int) -> list[StoredImage]:
            return patience.retried(
                lambda: self.features.missing(model.record.model, seq, up_to, PAGE),
                waiting,
            )

        while page := page_after(after):
            for start in range(0, len(page), model.largest_call):
                yield page[start : start + model.largest_call]
            after = page[-1].seq

    def _store(self, record: ModelRecord, embedded: Described) -> int:
        """Stores what was made and empties `embedded`; returns how many there were."""
        made = {seq: each.features for seq, each in embedded.items()}
        keywords = {seq: each.keywords for seq, each in embedded.items()}
        self.features.store(record, made, keywords)
        embedded.clear()
        return len(made)
