"""Stored images embedded by another model: behind all live traffic, as fast as that leaves room.

    images without its features ──► calls ──► decode, Triton ──► features, a page a commit

What is made is kept at once. So whoever comes after a crash goes on where it was.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Features, Images, ModelRecord, StoredImage
from sidecar.errors import FeaturesUnavailable
from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry

PAGE = 256  # images read at once, and stored at once
CALLS = 1 + (os.cpu_count() or 1)  # one is decoded while others are in Triton
PATIENCE_S = 300  # with a Triton that is away
PAUSE_S = 1.0

Told = Callable[[int], None]


@dataclass(frozen=True)
class Backfill:
    """Catches up with what a model has not seen yet."""

    images: Images
    features: Features
    models: ModelRegistry

    def catch_up(self, record: ModelRecord, after: int, told: Told) -> int:
        """Embed the images that a model has no features of, as many as there are by now.

        Args:
            after: a sequence number up to which it has those of all.
            told: is told how many have been stored, after each page; what it raises ends the work.
        Returns:
            a sequence number up to which it has those of all now.
        Raises:
            FeaturesUnavailable: Triton was away for too long.
            ModelReplaced: the catalogue no longer knows the model.
            ModelRefused, CatalogueDamaged, StorageFull, CatalogueUnavailable.
        """
        up_to = max(after, (self.images.last_added() or (0, 0.0))[0])
        done = 0
        under_way: deque[Future[dict[int, NDArray[np.float32]]]] = deque()
        made: dict[int, NDArray[np.float32]] = {}
        model = self.models.verified(record.version, record.sha256)
        with ThreadPoolExecutor(CALLS) as pool:
            try:
                for pictures in self._calls(model, after, up_to):
                    under_way.append(pool.submit(self._embed, record, pictures))
                    if len(under_way) > CALLS:
                        made |= under_way.popleft().result()
                    if len(made) >= PAGE:
                        done += self._store(record, made)
                        told(done)
                while under_way:
                    made |= under_way.popleft().result()
                told(done + self._store(record, made))
            finally:
                pool.shutdown(cancel_futures=True)
        return up_to

    def _calls(self, model: Model, after: int, up_to: int) -> Iterator[list[StoredImage]]:
        """The images without features, as many at once as a call may have."""
        while page := self.features.missing(model.record.model, after, up_to, PAGE):
            for start in range(0, len(page), model.largest_call):
                yield page[start : start + model.largest_call]
            after = page[-1].seq

    def _store(self, record: ModelRecord, made: dict[int, NDArray[np.float32]]) -> int:
        self.features.store(record, made)
        count = len(made)
        made.clear()
        return count

    def _embed(
        self, record: ModelRecord, pictures: list[StoredImage]
    ) -> dict[int, NDArray[np.float32]]:
        """Ask Triton, and wait for it where it is away."""
        gives_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                # Each time: after Triton was away, it has to prove its model again.
                model = self.models.verified(record.version, record.sha256)
                features = model.embed([picture.jpeg for picture in pictures])
            except FeaturesUnavailable:
                if time.monotonic() > gives_up:
                    raise
                time.sleep(PAUSE_S)
            else:
                return dict(zip((picture.seq for picture in pictures), features, strict=True))
