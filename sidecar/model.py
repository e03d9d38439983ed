"""A version of the model, as it is asked for the features of an image."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sidecar import timings
from sidecar.catalogue import ModelRecord
from sidecar.contract import Contract
from sidecar.errors import FeaturesUnavailable
from sidecar.features import Extractor
from sidecar.gathering import Gathering
from sidecar.images import pixels

# At once, of a kind. With two, Triton would always have adds in its queue, some of them in a batch
# that a search can't overtake any more: it took 105 ms where it takes 48.
CALLS = 1

Image = NDArray[np.uint8]  # [S, S, 3]
Vector = NDArray[np.float32]


class Model:
    """A version that keeps its contract.

    Concurrent requests share a call to Triton: what a call costs besides its inference is much the
    same for eight images as for one. A search shares none with adds.

    Args:
        record: the version as the catalogue knows it.
        contract: what it takes and gives.
        extractor: who asks Triton.
        largest_call: images.
        on_trouble: called when Triton was away.
    """

    def __init__(
        self,
        record: ModelRecord,
        contract: Contract,
        extractor: Extractor,
        largest_call: int,
        on_trouble: Callable[[], None],
    ) -> None:
        self.record = record
        self.contract = contract
        self._extractor = extractor
        self._largest_call = largest_call
        self._on_trouble = on_trouble
        self._adds = self._gathering("features", urgent=False)
        self._searches = self._gathering("features", urgent=True)
        self._keywords = self._gathering("keywords", urgent=True)

    def features(self, jpeg: bytes, urgent: bool = False) -> Vector:
        """The feature vector of a canonical JPEG.

        Args:
            jpeg: what `images.canonical` made.
            urgent: whether a client waits for little more than this, as in a search.
        Returns:
            float32 [D].
        Raises:
            ImageUnreadable: it can't be decoded.
            FeaturesUnavailable: as `Extractor`.
        """
        return (self._searches if urgent else self._adds).ask(self._image(jpeg))

    def keywords(self, jpeg: bytes) -> Vector:
        """The keyword probabilities, float32 [K], of a canonical JPEG; errors as `features`."""
        return self._keywords.ask(self._image(jpeg))

    def check(self) -> None:
        """Raises FeaturesUnavailable unless Triton serves this version."""
        try:
            self._extractor.check(self.contract)
        except FeaturesUnavailable:
            self._on_trouble()
            raise

    def _image(self, jpeg: bytes) -> Image:
        with timings.stage("decode"):
            return pixels(jpeg, self.contract.resize, self.contract.crop)

    def _gathering(self, output: str, urgent: bool) -> Gathering[Image, Vector]:
        def work(images: list[Image]) -> list[Vector]:
            try:
                return [*self._extractor.infer(np.stack(images), self.contract, output, urgent)]
            except FeaturesUnavailable:
                self._on_trouble()
                raise

        return Gathering("infer", work, self._largest_call, CALLS)
