"""Stored images through a model, call by call, behind all live traffic: each call is decoded and
embedded in a thread, a few at once, so that Triton never waits for a decoder."""

import os
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from sidecar.catalogue import ModelRecord
from sidecar.models.model import Description, Model
from sidecar.tasks import patience

CALLS = 1 + (os.cpu_count() or 1)  # one is decoded while others are in Triton

Described = dict[int, Description]  # by sequence number


class Stored(Protocol):
    """A stored image: its sequence number and its canonical JPEG."""

    @property
    def seq(self) -> int:
        """Its sequence number."""

    @property
    def jpeg(self) -> bytes:
        """Its canonical JPEG."""


class Verifies(Protocol):
    """What hands out a model, such as a `ModelRegistry`."""

    def verified(self, version: int, sha256: str, /) -> Model:
        """Returns the model with this file under this number."""


def described(
    models: Verifies,
    record: ModelRecord,
    calls: Iterable[Sequence[Stored]],
    patience_s: float = patience.PATIENCE_S,
) -> Generator[Described]:
    """Yields what a model makes of images, a call at a time, in their order.

    Args:
        calls: lists of images, each as long as a call may be at most.
        patience_s: for which each call waits for Triton.
    Raises:
        FeaturesUnavailable: Triton was away for too long.
        ImageUnreadable, ModelRefused, ModelReplaced.
    """

    def describe(images: Sequence[Stored]) -> Described:
        def embed() -> list[Description]:
            # Each time: after Triton was away, it has to prove its model again.
            model = models.verified(record.version, record.sha256)
            return model.describe_all([image.jpeg for image in images])

        found = patience.retried(embed, patience_s=patience_s)
        return dict(zip((image.seq for image in images), found, strict=True))

    in_flight: deque[Future[Described]] = deque()
    with ThreadPoolExecutor(CALLS) as pool:
        try:
            for images in calls:
                in_flight.append(pool.submit(describe, images))
                if len(in_flight) > CALLS:
                    yield in_flight.popleft().result()
            while in_flight:
                yield in_flight.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
