"""The versions of the model on their way into Triton and out of it.

    model_repository/keywording/2/      what Triton loads
    model_repository/rejected/2         did not load, or does not keep its contract
    model_repository/retired/1          was in use once

A version that does not load must not stay: Triton would not start with it another time.
"""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidecar.catalogue import Models
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.models import contract as contracts
from sidecar.models.contract import golden_image
from sidecar.models.model import Model
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient

log = logging.getLogger(__name__)

REJECTED, RETIRED = "rejected", "retired"
WARM_UP = 3  # calls; the first ones take longer than all others


@dataclass(frozen=True)
class ModelRepository:
    """What may be done with them."""

    repository: Path
    recorded: Models
    triton: TritonClient
    models: ModelRegistry

    def take(self, version: int) -> Model:
        """Have Triton load a version, and have it prove itself, before anything depends on it.

        Raises:
            ModelRefused: it does not load or does not keep its contract. It is in `rejected/` now,
                unless it is the one in use, or the repository can't be written.
            FeaturesUnavailable: Triton is away, or there is no such version.
        """
        try:
            return self._proved(version)
        except ModelRefused as refused:
            if version != self._in_use():
                try:
                    self._put_away(version, REJECTED)
                    self._load()
                except ModelRefused as left:
                    raise ModelRefused(f"{refused}; {left}") from refused
                self.recorded.forget(version)
            raise

    def retire(self, version: int) -> None:
        """Take a version out of the repository. Raises ModelRefused: it can't be written."""
        self._put_away(version, RETIRED)

    def unload(self) -> None:
        """Have Triton free the memory of versions that are gone from the repository.

        Raises:
            FeaturesUnavailable: it is away; it will not load them when it is back.
        """
        self._load()

    def _proved(self, version: int) -> Model:
        contract = contracts.read(self.repository, version)
        if contract.version != version:
            raise ModelRefused(f"the contract of version {version} says {contract.version}")
        trouble = self._load()
        if not self.triton.is_ready(version):
            raise ModelRefused(f"Triton does not serve version {version}: {_line(trouble)}")
        record = self.recorded.register(version, contract.sha256, contract.dimension)
        model = self.models.verified(version, record.sha256)
        for size in (1, *[model.largest_call] * WARM_UP):
            self.triton.features(np.stack([golden_image(contract.crop)] * size), contract)
        return model

    def _put_away(self, version: int, where: str) -> None:
        source = contracts.folder(self.repository, version)
        if source.exists():
            target = self.repository / where / f"{version}"
            if target.exists():  # another one of this number
                target = target.with_name(f"{version}-{time.time_ns()}")
            try:
                target.parent.mkdir(exist_ok=True)
                source.rename(target)
            except OSError as error:
                raise ModelRefused(
                    f"version {version} can't be moved out of the repository; do it by hand before "
                    f"Triton starts again: {error}"
                ) from error
            log.warning("version %d is in %s now", version, target)

    def _load(self) -> str:
        """As `TritonClient.load`, but not where Triton would drop the version in use."""
        in_use = self._in_use()
        if in_use is not None and not contracts.folder(self.repository, in_use).exists():
            raise FeaturesUnavailable(
                f"version {in_use}, which is in use, is gone from the model repository: put it back"
            )
        return self.triton.load()

    def _in_use(self) -> int | None:
        record = self.recorded.in_use()
        return None if record is None else record.version


def _line(trouble: str) -> str:
    return " ".join(trouble.split()) or "config.pbtxt says that it shall not"
