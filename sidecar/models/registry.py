"""Which model answers: versions that were held against their contract before anything uses them."""

import logging
import threading
from pathlib import Path

from sidecar.catalogue import ModelRecord, Models
from sidecar.errors import FeaturesUnavailable, ModelRefused, ModelReplaced
from sidecar.files import sha256_of
from sidecar.models import contract as contracts
from sidecar.models.contract import MODEL_FILE, golden_image
from sidecar.models.model import Model
from sidecar.models.triton import TritonClient

log = logging.getLogger(__name__)

VERIFYING_TIMEOUT_S = 10


class ModelRegistry:
    """Hands out models; each was verified once, and is again after Triton has been away."""

    def __init__(self, repository: Path, recorded: Models, triton: TritonClient) -> None:
        self._repository = repository
        self._recorded = recorded
        self._triton = triton
        self._verified: dict[tuple[int, str], Model] = {}  # by version and SHA-256
        self._in_use: ModelRecord | None = None
        self._joining: ModelRecord | None = None
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

    def joining(self) -> Model | None:
        """The model that is about to come into use, if there is one and it answers. Whatever it
        misses meanwhile is caught up with."""
        record = self._joining
        if record is None:
            return None
        try:
            return self.verified(record.version, record.sha256)
        except (FeaturesUnavailable, ModelRefused) as error:
            log.warning("version %d, which is to come into use: %s", record.version, error)
            return None

    def refresh(self) -> None:
        """Look which model is in use now, and which one is about to be; what is remembered of a
        model ends when the catalogue no longer knows it, or knows it by another key."""
        known = self._recorded.known()
        self._joining, self._in_use = known.joining, known.in_use
        models = [model for model in [*self._verified.values()] if model.record in known.all]
        self._verified = {(m.record.version, m.record.sha256): m for m in models}

    def check(self) -> None:
        """Whether an image that is added now would be taken: Triton serves the model in use, and
        the catalogue knows it as it is remembered here.

        Raises:
            FeaturesUnavailable, ModelRefused: as `in_use`.
            ModelReplaced: what it makes would be refused.
        """
        model = self.in_use()
        model.check()
        if model.record == self._recorded.in_use():
            return
        self.refresh()  # as an add does, before it is tried again
        if self.in_use().record != self._recorded.in_use():
            raise ModelReplaced(
                "the catalogue refuses features of the model that is asked for them"
            )

    def reload(self) -> None:
        """Have Triton load the version in use, where it does not serve what the repository has."""
        record = self._in_use
        if record is None or record.version not in contracts.versions(self._repository):
            return
        if not self._triton.is_ready(record.version):
            log.warning("Triton does not serve version %d: it is to load it", record.version)
            self._triton.load()

    def verified(self, version: int, sha256: str) -> Model:
        """The model with this file under this number; errors as `in_use`."""
        wanted = (version, sha256)
        known = self._verified.get(wanted)
        if known is not None:
            return known
        if not self._verifying.acquire(timeout=VERIFYING_TIMEOUT_S):
            raise FeaturesUnavailable("Triton is being asked to prove its model, and is slow")
        try:
            known = self._verified.get(wanted)
            if known is None:
                known = self._verified[wanted] = self._verify(version, sha256)
            return known
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
        file = contracts.folder(self._repository, version) / MODEL_FILE
        if sha256_of(file) != sha256:
            raise ModelRefused(f"{file} is not the model that the catalogue was made with")
        golden = self._triton.features(golden_image(contract.crop)[None], contract)
        if not contract.accepts(golden[0]):
            raise ModelRefused(
                f"Triton's version {version} does not give the features of its contract: "
                "another file was loaded under this number"
            )
        log.info("model version %d (%s) keeps its contract", version, contract.precision)
        largest = self._triton.largest_batch(contract)
        record = self._recorded.get(sha256, version)
        if contract.dimension != record.dimension:
            raise ModelRefused(
                f"version {version} gives {contract.dimension} values an image, and the catalogue "
                f"has {record.dimension} of each by it"
            )
        return Model(record, contract, self._triton, largest, self._forget)
