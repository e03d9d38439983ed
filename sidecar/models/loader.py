"""Brings versions of the model into Triton and takes them out again.

    model_repository/keywording/2/      what Triton loads
    model_repository/rejected/2         did not load, or did not keep its contract
    model_repository/retired/1          was in use once

Of several servers, each that answers has to load and prove a version before it is taken. One that
is away holds up nobody: it gets no inferences by the version until it has caught up.

A version that does not load must not stay: with it, Triton would not start the next time. It is put
away alone, whichever it is: Triton's answer names those at fault.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sidecar.catalogue import ModelRecord, Models, SharedVersions
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.models import contract as contracts
from sidecar.models import regions, version_files
from sidecar.models.contract import golden_image
from sidecar.models.model import Model
from sidecar.models.put_away import REJECTED, RETIRED, put_away
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient, failures

log = logging.getLogger(__name__)

WARM_UP_CALLS = 3  # a version's first calls take longer than all others


@dataclass(frozen=True)
class ModelLoader:
    """Loads, retires and unloads versions.

    Args:
        folder: the model repository.
        records: the models that the catalogue knows.
        triton: the client of the server, or the servers, that run them.
        models: verifies what Triton has loaded.
        shared: the versions that all hosts have, where there are several.
    """

    folder: Path
    records: Models
    triton: TritonClient
    models: ModelRegistry
    shared: SharedVersions | None = None

    def load(self, version: int) -> Model:
        """Has Triton load a version, and verifies it before anything depends on it.

        A version beside it that keeps Triton from loading is put away as well.

        Raises:
            ModelRefused: it does not load, or does not keep its contract: it is in `rejected/` now,
                unless it is in use, or the repository can't be written. Or nothing loads, or the
                catalogue knows another model by its number or this one by another.
            FeaturesUnavailable: Triton is away, or there is no such version.
        """
        with self._rejecting(version):
            contract = version_files.read(self.folder, version).contract
        self._serve(version)
        record = self.records.register(version, contract.sha256, contract.dimension)
        with self._rejecting(version):
            return self._verify(record)

    def retire(self, version: int) -> None:
        """Moves a version to `retired/`. Raises ModelRefused: the repository can't be written."""
        put_away(self.folder, version, RETIRED)

    def unload(self, version: int) -> None:
        """Has Triton free the memory of a version that is gone from the repository.

        Raises:
            FeaturesUnavailable: Triton is away, or goes on serving the version.
            ModelRefused: a version that keeps Triton from it can't be put away.
        """
        answer = self._reload_cleared({})
        if self.triton.is_ready(version):
            raise FeaturesUnavailable(
                f"Triton still serves version {version}: {_in_a_line(answer)}"
            )
        self.triton.unload(regions.name(version))

    def _serve(self, version: int) -> None:
        refused: dict[int, str] = {}
        answer = self._reload_cleared(refused)
        lacking = [name for name, serves in self.triton.serving(version).items() if not serves]
        if lacking:
            at = f" at {', '.join(lacking)}" if self.triton.is_several else ""
            reason = refused.get(version) or _in_a_line(answer)
            raise ModelRefused(f"Triton{at} does not serve version {version}: {reason}")

    def _verify(self, record: ModelRecord) -> Model:
        model = self.models.verified(record.version, record.sha256)
        self.triton.check_all(model.contract)
        image = golden_image(model.contract.crop)
        for server in self.triton.in_turn(model.contract):
            for size in (1, *[model.largest_call] * WARM_UP_CALLS):
                server.features(np.stack([image] * size), model.contract)
        return model

    @contextmanager
    def _rejecting(self, version: int) -> Iterator[None]:
        """Puts a version away that is refused within the block, unless it is in use."""
        try:
            yield
        except ModelRefused as refused:
            if version != self._in_use():
                try:
                    self._reject(version)
                    self._reload_cleared({})
                except ModelRefused as stuck:
                    raise ModelRefused(f"{refused}; {stuck}") from refused
            raise

    def _reload_cleared(self, refused: dict[int, str]) -> str:
        """Reloads until no version that could be put away keeps Triton from it: where one fails,
        Triton drops all that are new and keeps those that are gone.

        Args:
            refused: takes the reasons of those that were put away, by version.
        Returns:
            Triton's last answer, as `TritonClient.load` does.
        """
        while True:
            answer = self._reload()
            guilty = self._guilty(answer)
            if not guilty:
                return answer
            for version, reason in guilty.items():
                log.warning("version %d does not load: %s", version, reason)
                self._reject(version)
            refused.update(guilty)

    def _guilty(self, answer: str) -> dict[int, str]:
        """Returns why versions in the repository fail, by version; none where the version in use
        fails with them: then config.pbtxt is at fault, or Triton itself."""
        failed = failures(answer)
        if self._in_use() in failed:
            return {}
        there = contracts.numbers(self.folder)
        return {version: reason for version, reason in failed.items() if version in there}

    def _reject(self, version: int) -> None:
        put_away(self.folder, version, REJECTED)
        self.records.forget(version)
        if self.shared is not None:
            self.shared.take_out(version, REJECTED)

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
