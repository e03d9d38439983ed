"""A version of the model, as it is asked for the features of an image."""

from collections.abc import Callable, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from sidecar.batching import Batcher
from sidecar.catalogue import ModelRecord
from sidecar.errors import FeaturesUnavailable
from sidecar.images.codec import pixels
from sidecar.models.contract import Contract
from sidecar.models.triton import TritonClient
from sidecar.telemetry import request_ids


class Lane(Enum):
    """Who waits together: their priority in Triton, 1 the most urgent, and how many calls at once.

    With two calls with adds of each process, Triton would always have some in its queue, in a batch
    that a search can't overtake any more: it took 105 ms where it takes 48. A batch comes to one
    process alone.
    """

    SEARCH = (1, 2)
    ADD = (2, 1)
    BATCH = (2, 2)


STORED = 3  # the priority of images that are embedded again, behind all live traffic


Image = NDArray[np.uint8]  # [S, S, 3]
Vector = NDArray[np.float32]
Asked = tuple[Image, str]  # with the id of its request


class Model:
    """A version that keeps its contract.

    Concurrent requests share a call to Triton: what a call costs besides its inference is much the
    same for eight images as for one. A search shares none with adds.

    Args:
        record: the version as the catalogue knows it.
        contract: what it takes and gives.
        triton: who asks Triton.
        largest_call: images.
        on_trouble: called when Triton was away.
    """

    def __init__(
        self,
        record: ModelRecord,
        contract: Contract,
        triton: TritonClient,
        largest_call: int,
        on_trouble: Callable[[], None],
    ) -> None:
        self.record = record
        self.contract = contract
        self._triton = triton
        self.largest_call = largest_call
        self._on_trouble = on_trouble
        self._features = {line: self._batcher("features", line) for line in Lane}
        self._keywords = self._batcher("keywords", Lane.SEARCH)

    def features(self, jpeg: bytes, line: Lane = Lane.ADD) -> Vector:
        """The feature vector of a canonical JPEG.

        Args:
            jpeg: what `images.canonical` made.
            line: with whom it waits.
        Returns:
            float32 [D].
        Raises:
            ImageUnreadable: it can't be decoded.
            FeaturesUnavailable: as `TritonClient`.
        """
        return self._features[line].ask(self._asked(jpeg))

    def embed(self, jpegs: Sequence[bytes]) -> NDArray[np.float32]:
        """The features of stored images, by one call behind all others; errors as `features`.

        Args:
            jpegs: at most `largest_call` of them.
        Returns:
            float32 [N, D].
        """
        images = np.stack([self._image(jpeg) for jpeg in jpegs])
        return self._infer(images, "features", STORED, request_ids.current())

    def keywords(self, jpeg: bytes) -> Vector:
        """The keyword probabilities, float32 [K], of a canonical JPEG; errors as `features`."""
        return self._keywords.ask(self._asked(jpeg))

    def check(self) -> None:
        """Raises FeaturesUnavailable unless Triton serves this version."""
        try:
            self._triton.check(self.contract)
        except FeaturesUnavailable:
            self._on_trouble()
            raise

    def _image(self, jpeg: bytes) -> Image:
        return pixels(jpeg, self.contract.resize, self.contract.crop)

    def _asked(self, jpeg: bytes) -> Asked:
        return self._image(jpeg), request_ids.current()

    def _batcher(self, output: str, line: Lane) -> Batcher[Asked, Vector]:
        priority, calls = line.value

        def work(asked: list[Asked]) -> list[Vector]:
            images, ids = zip(*asked, strict=True)
            return [*self._infer(np.stack(images), output, priority, ",".join(filter(None, ids)))]

        return Batcher("infer", work, self.largest_call, calls)

    def _infer(
        self, images: NDArray[np.uint8], output: str, priority: int, request_id: str
    ) -> NDArray[np.float32]:
        try:
            return self._triton.infer(images, self.contract, output, priority, request_id)
        except FeaturesUnavailable:
            self._on_trouble()
            raise
