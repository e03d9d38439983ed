"""Which model answers: versions that were held against their contract before anything uses them."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar import contract as contracts
from sidecar.catalogue import ModelRecord, Models
from sidecar.contract import MODEL, MODEL_FILE, Contract, golden_image, sha256_of
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.features import Extractor
from sidecar.images import pixels

log = logging.getLogger(__name__)

VERIFYING_TIMEOUT_S = 10


@dataclass(frozen=True)
class Model:
    """A version that keeps its contract, ready to be asked."""

    record: ModelRecord
    contract: Contract
    extractor: Extractor
    on_trouble: Callable[[], None]

    def features(self, jpeg: bytes) -> NDArray[np.float32]:
        """The feature vector, float32 [D], of a canonical JPEG; errors as `Extractor`."""
        image = self._image(jpeg)
        with self._noticing_trouble():
            return self.extractor.features(image, self.contract).reshape(-1)

    def keywords(self, jpeg: bytes) -> NDArray[np.float32]:
        """The keyword probabilities, float32 [K], of a canonical JPEG; errors as `Extractor`."""
        image = self._image(jpeg)
        with self._noticing_trouble():
            return self.extractor.keywords(image, self.contract).reshape(-1)

    def check(self) -> None:
        """Raises FeaturesUnavailable unless Triton serves this version."""
        with self._noticing_trouble():
            self.extractor.check(self.contract)

    def _image(self, jpeg: bytes) -> NDArray[np.uint8]:
        return pixels(jpeg, self.contract.resize, self.contract.crop)[None]

    @contextmanager
    def _noticing_trouble(self) -> Iterator[None]:
        try:
            yield
        except FeaturesUnavailable:
            self.on_trouble()
            raise


class VerifiedModels:
    """Hands out models; each was verified once, and is again after Triton has been away."""

    def __init__(self, repository: Path, recorded: Models, extractor: Extractor) -> None:
        self._repository = repository
        self._recorded = recorded
        self._extractor = extractor
        self._verified: dict[str, Model] = {}
        self._in_use: ModelRecord | None = None
        self._verifying = threading.Lock()

    def in_use(self) -> Model:
        """The model that embeds what is added, adopting the newest version at the very first.

        Raises:
            FeaturesUnavailable: the repository or Triton lacks the version.
            ModelRefused: it is another model than the one that the catalogue was made with.
        """
        record = self._in_use or self._adopt(self._recorded.in_use())
        self._in_use = record
        return self.verified(record.version, record.sha256)

    def verified(self, version: int, sha256: str) -> Model:
        """The model with this file under this number; errors as `in_use`."""
        known = self._verified.get(sha256)
        if known is not None:
            return known
        if not self._verifying.acquire(timeout=VERIFYING_TIMEOUT_S):
            raise FeaturesUnavailable("Triton is being asked to prove its model, and is slow")
        try:
            if sha256 not in self._verified:
                self._verified[sha256] = self._verify(version, sha256)
            return self._verified[sha256]
        finally:
            self._verifying.release()

    def recorded(self, sha256: str) -> int:
        """The catalogue's key of the model with this file; asks nobody but the catalogue."""
        return self._recorded.get(sha256).model

    def labels(self, version: int) -> list[str]:
        """The keywords of a version, in the order of its scores."""
        return contracts.labels(self._repository, version)

    def _forget(self) -> None:
        """Triton was away, and may come back with another model: verify again before use."""
        self._verified = {}
        self._in_use = None

    def _adopt(self, record: ModelRecord | None) -> ModelRecord:
        found = contracts.versions(self._repository)
        if record is None and not found:
            raise FeaturesUnavailable(f"no model in {self._repository}: run python -m export")
        version = found[-1] if record is None else record.version
        contract = contracts.read(self._repository, version)
        return self._recorded.adopt(version, contract.sha256, contract.dimension)

    def _verify(self, version: int, sha256: str) -> Model:
        contract = contracts.read(self._repository, version)
        file = self._repository / MODEL / str(version) / MODEL_FILE
        if sha256_of(file) != sha256:
            raise ModelRefused(f"{file} is not the model that the catalogue was made with")
        golden = self._extractor.features(golden_image(contract.crop)[None], contract)
        if not contract.accepts(golden[0]):
            raise ModelRefused(
                f"Triton's version {version} does not give the features of its contract: "
                "another file was loaded under this number"
            )
        log.info("model version %d (%s) keeps its contract", version, contract.precision)
        return Model(self._recorded.get(sha256), contract, self._extractor, self._forget)
