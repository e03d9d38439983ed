"""A version of the model that computes the features and keywords of images."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sidecar.batching import Batcher
from sidecar.catalogue import ModelRecord
from sidecar.errors import FeaturesUnavailable
from sidecar.images import pixels
from sidecar.models import lanes
from sidecar.models.lanes import Lane
from sidecar.models.triton import TritonClient
from sidecar.models.version_files import VersionFiles
from sidecar.telemetry import request_ids

Pixels = NDArray[np.uint8]  # [S, S, 3]
Row = NDArray[np.float32]  # [D] features or [K] keywords of one image
Request = tuple[Pixels, str]  # with the id of its HTTP request


class Model:
    """Computes features and keywords by one version, which keeps its contract.

    Concurrent requests of a lane share a call to Triton, because what a call costs besides its
    inference is much the same for eight images as for one.

    Args:
        record: the version as the catalogue knows it.
        files: of the version.
        triton: the client of its server.
        largest_call: images in one call, at most.
        on_trouble: called when Triton is away.
    """

    def __init__(
        self,
        record: ModelRecord,
        files: VersionFiles,
        triton: TritonClient,
        largest_call: int,
        on_trouble: Callable[[], None],
    ) -> None:
        self.record = record
        self.files = files
        self.contract = files.contract
        self._triton = triton
        self.largest_call = largest_call
        self._on_trouble = on_trouble
        self._features = {lane: self._batcher("features", lane) for lane in lanes.ALL}
        self._keywords = self._batcher("keywords", lanes.SEARCH)

    def features(self, jpeg: bytes, lane: Lane = lanes.ADD) -> Row:
        """Computes the features of a canonical JPEG.

        Args:
            jpeg: made by `images.canonical`.
            lane: of the requests that share its call.
        Returns:
            float32 [D].
        Raises:
            ImageUnreadable: it can't be decoded.
            FeaturesUnavailable: as `TritonClient.features`.
        """
        return self._features[lane].ask(self._request(jpeg))

    def embed(self, jpegs: Sequence[bytes]) -> NDArray[np.float32]:
        """Computes the features of stored images in one call, behind all live traffic.

        Args:
            jpegs: at most `largest_call` of them.
        Returns:
            float32 [N, D].
        Raises:
            ImageUnreadable, FeaturesUnavailable: as `features`.
        """
        images = np.stack([self._pixels(jpeg) for jpeg in jpegs])
        return self._infer(images, "features", lanes.STORED_PRIORITY, request_ids.current())

    def keywords(self, jpeg: bytes) -> Row:
        """Computes the keyword probabilities, float32 [K], of a canonical JPEG; errors as
        `features`."""
        return self._keywords.ask(self._request(jpeg))

    def check(self) -> None:
        """Raises FeaturesUnavailable unless Triton serves this version."""
        try:
            self._triton.check(self.contract)
        except FeaturesUnavailable:
            self._on_trouble()
            raise

    def _pixels(self, jpeg: bytes) -> Pixels:
        return pixels(jpeg, self.contract.resize, self.contract.crop)

    def _request(self, jpeg: bytes) -> Request:
        return self._pixels(jpeg), request_ids.current()

    def _batcher(self, output: str, lane: Lane) -> Batcher[Request, Row]:
        def infer(requests: list[Request]) -> list[Row]:
            images, ids = zip(*requests, strict=True)
            request_id = ",".join(filter(None, ids))
            return [*self._infer(np.stack(images), output, lane.priority, request_id)]

        return Batcher("infer", infer, self.largest_call, lane.calls)

    def _infer(
        self, images: NDArray[np.uint8], output: str, priority: int, request_id: str
    ) -> NDArray[np.float32]:
        try:
            return self._triton.infer(images, self.contract, output, priority, request_id)
        except FeaturesUnavailable:
            self._on_trouble()
            raise
