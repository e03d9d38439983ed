"""Stored images embedded by another model: behind all live traffic, as fast as that leaves room.

    images without its features ──► calls ──► decode, Triton ──► features, a page a commit

Each page is kept at once, so the next attempt after a crash goes on from there.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Features, Images, ModelRecord, StoredImage
from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry
from sidecar.tasks import triton_away

PAGE = 256  # images read at once, and stored at once
CALLS = 1 + (os.cpu_count() or 1)  # one is decoded while others are in Triton

OnStored = Callable[[int], None]
FeaturesBySeq = dict[int, NDArray[np.float32]]  # [D], by sequence number


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
            on_stored: gets the number of images stored so far, after each page; what it raises ends
                the work.
        Returns:
            a sequence number up to which it has those of all now.
        Raises:
            FeaturesUnavailable: Triton was away for too long.
            ModelReplaced: the catalogue no longer knows the model.
            ModelRefused, CatalogueDamaged, StorageFull, CatalogueUnavailable.
        """
        up_to = max(after, (self.images.last_added() or (0, 0.0))[0])
        done = 0
        in_flight: deque[Future[FeaturesBySeq]] = deque()
        embedded: FeaturesBySeq = {}
        model = self.models.verified(record.version, record.sha256)
        with ThreadPoolExecutor(CALLS) as pool:
            try:
                for images in self._calls(model, after, up_to):
                    in_flight.append(pool.submit(self._embed, record, images))
                    if len(in_flight) > CALLS:
                        embedded |= in_flight.popleft().result()
                    if len(embedded) >= PAGE:
                        done += self._store(record, embedded)
                        on_stored(done)
                while in_flight:
                    embedded |= in_flight.popleft().result()
                on_stored(done + self._store(record, embedded))
            finally:
                pool.shutdown(cancel_futures=True)
        return up_to

    def _calls(self, model: Model, after: int, up_to: int) -> Iterator[list[StoredImage]]:
        """Yields the images without features, as many at once as a call may have."""
        while page := self.features.missing(model.record.model, after, up_to, PAGE):
            for start in range(0, len(page), model.largest_call):
                yield page[start : start + model.largest_call]
            after = page[-1].seq

    def _store(self, record: ModelRecord, embedded: FeaturesBySeq) -> int:
        """Stores features and empties `embedded`; returns how many there were."""
        self.features.store(record, embedded)
        count = len(embedded)
        embedded.clear()
        return count

    def _embed(self, record: ModelRecord, images: list[StoredImage]) -> FeaturesBySeq:
        def embed() -> NDArray[np.float32]:
            # Each time: after Triton was away, it has to prove its model again.
            model = self.models.verified(record.version, record.sha256)
            return model.embed([image.jpeg for image in images])

        features = triton_away.retried(embed)
        return dict(zip((image.seq for image in images), features, strict=True))
