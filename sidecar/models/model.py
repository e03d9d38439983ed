"""A version of the model that computes the features and keywords of images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.batching import Batcher
from sidecar.catalogue import ModelRecord, TopKeywords, top
from sidecar.errors import FeaturesUnavailable
from sidecar.images import pixels
from sidecar.models import lanes
from sidecar.models.lanes import Lane
from sidecar.models.regions import Regions
from sidecar.models.triton import FEATURES, KEYWORDS, TritonClient
from sidecar.models.version_files import VersionFiles
from sidecar.telemetry import request_ids

Pixels = NDArray[np.uint8]  # [S, S, 3]
Row = NDArray[np.float32]  # [D] features or [K] keywords of one image
Request = tuple[Pixels, str]  # with the id of its HTTP request


@dataclass(frozen=True, eq=False)
class Description:
    """What a version makes of an image, and the catalogue keeps: its features, float32 [D], and its
    likeliest keywords."""

    features: Row
    keywords: TopKeywords


class Model:
    """Computes features and keywords by one version, which keeps its contract.

    Concurrent requests of a lane share a call to Triton, because what a call costs besides its
    inference is much the same for eight images as for one.

    Args:
        record: the version as the catalogue knows it.
        files: of the version.
        triton: the client of its server, or servers.
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
        self._features = {lane: self._batcher(FEATURES, lane) for lane in lanes.ALL}
        self._keywords = self._batcher(KEYWORDS, lanes.SEARCH)
        self._both = {lane: self._batcher_of_both(lane) for lane in lanes.ALL}
        self._regions = Regions(files, triton)

    def describe(self, jpeg: bytes, lane: Lane = lanes.ADD) -> Description:
        """Computes what the catalogue keeps of a canonical JPEG, features and keywords in one
        inference.

        Args:
            jpeg: made by `images.canonical`.
            lane: of the requests that share its call.
        Raises:
            ImageUnreadable: it can't be decoded.
            FeaturesUnavailable: as `TritonClient.features`.
        """
        features, keywords = self._both[lane].ask(self._request(jpeg))
        return Description(features, top(keywords))

    def describe_all(self, jpegs: Sequence[bytes]) -> list[Description]:
        """Does as `describe` for stored images, in one call, behind all live traffic.

        Args:
            jpegs: at most `largest_call` of them.
        """
        images = np.stack([self._pixels(jpeg) for jpeg in jpegs])
        rows = self._infer_both(images, lanes.STORED_PRIORITY, request_ids.current())
        return [Description(features, top(keywords)) for features, keywords in rows]

    def features(self, jpeg: bytes, lane: Lane = lanes.SEARCH) -> Row:
        """Computes the features, float32 [D], of a canonical JPEG; arguments and errors as
        `describe`."""
        return self._features[lane].ask(self._request(jpeg))

    def keywords(self, jpeg: bytes) -> Row:
        """Computes the keyword probabilities, float32 [K], of a canonical JPEG; errors as
        `describe`."""
        return self._keywords.ask(self._request(jpeg))

    def check_regions(self) -> None:
        """Raises RegionsMissing where the version was exported without `--explain`."""
        self._regions.check()

    def regions(self, jpeg: bytes) -> NDArray[np.float32]:
        """Computes what each region of a canonical JPEG adds to its features.

        Returns:
            float32 [H, W, D], whose sum over H and W is the features.
        Raises:
            ModelRefused: its `regions.onnx` is not that of its contract.
            ImageUnreadable, FeaturesUnavailable: as `describe`.
        """
        image = self._pixels(jpeg)
        with self._noticing():
            return self._regions.of(image, request_ids.current())

    def check(self) -> None:
        """Raises FeaturesUnavailable unless Triton serves this version."""
        with self._noticing():
            self._triton.check(self.contract)

    def _pixels(self, jpeg: bytes) -> Pixels:
        return pixels(jpeg, self.contract.resize, self.contract.crop)

    def _request(self, jpeg: bytes) -> Request:
        return self._pixels(jpeg), request_ids.current()

    def _batcher(self, output: str, lane: Lane) -> Batcher[Request, Row]:
        def infer(requests: list[Request]) -> list[Row]:
            images, request_id = _joined(requests)
            with self._noticing():
                contract, priority = self.contract, lane.priority
                return [*self._triton.infer(images, contract, output, priority, request_id)]

        return Batcher("infer", infer, self.largest_call, lane.calls)

    def _batcher_of_both(self, lane: Lane) -> Batcher[Request, tuple[Row, Row]]:
        def infer(requests: list[Request]) -> list[tuple[Row, Row]]:
            images, request_id = _joined(requests)
            return self._infer_both(images, lane.priority, request_id)

        return Batcher("infer", infer, self.largest_call, lane.calls)

    def _infer_both(
        self, images: NDArray[np.uint8], priority: int, request_id: str
    ) -> list[tuple[Row, Row]]:
        with self._noticing():
            both = self._triton.infer_both(images, self.contract, priority, request_id)
        return [*zip(*both, strict=True)]

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Says so where Triton is away."""
        try:
            yield
        except FeaturesUnavailable:
            self._on_trouble()
            raise


def _joined(requests: list[Request]) -> tuple[NDArray[np.uint8], str]:
    """Returns the pixels of requests, uint8 [N, S, S, 3], and their ids in one."""
    images, ids = zip(*requests, strict=True)
    return np.stack(images), ",".join(filter(None, ids))
