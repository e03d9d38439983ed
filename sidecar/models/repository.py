"""Brings versions of the model into Triton and takes them out again.

    model_repository/keywording/2/      what Triton loads
    model_repository/rejected/2         did not load, or did not keep its contract
    model_repository/retired/1          was in use once

A version that does not load must not stay: with it, Triton would not start the next time.
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
WARM_UP_CALLS = 3  # a version's first calls take longer than all others


@dataclass(frozen=True)
class ModelRepository:
    """Loads, retires and unloads versions.

    Args:
        folder: the model repository.
        records: the models that the catalogue knows.
        triton: the client of the server that runs them.
        models: verifies what Triton has loaded.
    """

    folder: Path
    records: Models
    triton: TritonClient
    models: ModelRegistry

    def load(self, version: int) -> Model:
        """Has Triton load a version, and verifies it before anything depends on it.

        Raises:
            ModelRefused: it does not load, or does not keep its contract. It is in `rejected/` now,
                unless it is in use or the repository can't be written.
            FeaturesUnavailable: Triton is away, or there is no such version.
        """
        try:
            return self._load_and_verify(version)
        except ModelRefused as refused:
            if version != self._in_use():
                self._reject(version, refused)
            raise

    def retire(self, version: int) -> None:
        """Moves a version to `retired/`. Raises ModelRefused: the repository can't be written."""
        self._move_out(version, RETIRED)

    def unload(self) -> None:
        """Has Triton free the memory of versions that are gone from the repository.

        Raises:
            FeaturesUnavailable: Triton is away; it will not load them when it is back.
        """
        self._reload()

    def _load_and_verify(self, version: int) -> Model:
        contract = contracts.read(self.folder, version)
        if contract.version != version:
            raise ModelRefused(f"the contract of version {version} says {contract.version}")
        reason = self._reload()
        if not self.triton.is_ready(version):
            raise ModelRefused(f"Triton does not serve version {version}: {_in_a_line(reason)}")
        record = self.records.register(version, contract.sha256, contract.dimension)
        model = self.models.verified(version, record.sha256)
        for size in (1, *[model.largest_call] * WARM_UP_CALLS):
            self.triton.features(np.stack([golden_image(contract.crop)] * size), contract)
        return model

    def _reject(self, version: int, refused: ModelRefused) -> None:
        try:
            self._move_out(version, REJECTED)
            self._reload()
        except ModelRefused as stuck:
            raise ModelRefused(f"{refused}; {stuck}") from refused
        self.records.forget(version)

    def _move_out(self, version: int, where: str) -> None:
        source = contracts.folder(self.folder, version)
        if source.exists():
            target = self.folder / where / f"{version}"
            if target.exists():  # an earlier one of this number
                target = target.with_name(f"{version}-{time.time_ns()}")
            try:
                target.parent.mkdir(exist_ok=True)
                source.rename(target)
            except OSError as error:
                raise ModelRefused(
                    f"version {version} can't be moved out of the repository; move it by hand "
                    f"before Triton starts again: {error}"
                ) from error
            log.warning("moved version %d to %s", version, target)

    def _reload(self) -> str:
        """Does as `TritonClient.load`, unless Triton would drop the version in use by it."""
        in_use = self._in_use()
        if in_use is not None and not contracts.folder(self.folder, in_use).exists():
            raise FeaturesUnavailable(
                f"version {in_use}, which is in use, is gone from the model repository: put it back"
            )
        return self.triton.load()

    def _in_use(self) -> int | None:
        record = self.records.in_use()
        return None if record is None else record.version


def _in_a_line(reason: str) -> str:
    return " ".join(reason.split()) or "config.pbtxt excludes it"
