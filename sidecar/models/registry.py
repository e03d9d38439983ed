"""Hands out versions of the model, each after Triton has proved that it keeps its contract."""

import logging
import threading
from pathlib import Path

from sidecar.catalogue import ModelRecord, Models
from sidecar.errors import FeaturesUnavailable, ModelRefused, ModelReplaced
from sidecar.models import contract as contracts
from sidecar.models import version_files
from sidecar.models.contract import SameImage
from sidecar.models.model import Model
from sidecar.models.triton import ServerState, TritonClient

log = logging.getLogger(__name__)

VERIFYING_TIMEOUT_S = 10  # that one thread waits for another one's verification
_ANOTHER = "version {} is not the model that the catalogue was made with"


class ModelRegistry:
    """Verifies each model once, and again after Triton was away, and hands it out.

    Args:
        repository: Triton's model repository.
        records: the models that the catalogue knows.
        triton: the client of the server, or the servers, that run them.
    """

    def __init__(self, repository: Path, records: Models, triton: TritonClient) -> None:
        self._repository = repository
        self._records = records
        self._triton = triton
        self._verified: dict[tuple[int, str], Model] = {}  # by version and SHA-256
        self._in_use: ModelRecord | None = None
        self._joining: ModelRecord | None = None
        self._verifying = threading.Lock()
        self._same_image: dict[str, SameImage | None] = {}  # by SHA-256

    def in_use(self) -> Model:
        """Returns the model in use; a new catalogue adopts the newest version.

        Raises:
            FeaturesUnavailable: the repository or Triton lacks the version.
            ModelRefused: its file is not the one that the catalogue was made with, or Triton gives
                other features than its contract.
        """
        record = self._in_use or self._adopt(self._records.in_use())
        self._in_use = record
        return self.verified(record.version, record.sha256)

    def recorded(self) -> ModelRecord | None:
        """Asks the catalogue, and nobody else, which model is in use; None before the first add."""
        return self._records.in_use()

    @property
    def remembered(self) -> ModelRecord | None:
        """The model that was in use when this process last looked."""
        return self._in_use

    def is_in_use(self, record: ModelRecord | None) -> bool:
        """Asks the catalogue whether this model is in use now."""
        return self.recorded() == record

    def joining(self) -> Model | None:
        """Returns the model that is about to come into use, if there is one and it answers; the
        upgrade embeds later what it misses."""
        record = self._joining
        if record is None:
            return None
        try:
            return self.verified(record.version, record.sha256)
        except (FeaturesUnavailable, ModelRefused) as error:
            log.warning(
                "version %d, which is about to come into use, can't be asked: %s",
                record.version,
                error,
            )
            return None

    def refresh(self) -> None:
        """Reads which model is in use, and which is about to be.

        A verified model is forgotten when the catalogue no longer knows it, or has given it another
        key, and when the version's files have changed.
        """
        known = self._records.known()
        self._joining, self._in_use = known.joining, known.in_use
        models = [model for model in [*self._verified.values()] if model.record in known.all]
        self._same_image = {}
        intact = [model for model in models if model.files.is_unchanged()]
        self._verified = {(m.record.version, m.record.sha256): m for m in intact}
        self._triton.keep([model.contract for model in intact])

    def check(self) -> None:
        """Checks that an add would succeed now: Triton serves the model in use, and the catalogue
        takes its features.

        Raises:
            FeaturesUnavailable, ModelRefused: as `in_use`.
            ModelReplaced: the catalogue would refuse the features.
        """
        model = self.in_use()
        model.check()
        if self.is_in_use(model.record):
            return
        self.refresh()  # as an add does before it tries again
        if not self.is_in_use(self.in_use().record):
            raise ModelReplaced(
                f"the catalogue refuses the features of version {model.record.version}, by which "
                "this process embeds"
            )

    def reload(self) -> None:
        """Asks Triton to load the version in use, if the repository has it and Triton lacks it."""
        self._have_loaded(self._in_use)

    def reload_joining(self) -> None:
        """Does so for the version about to come into use, which the worker has loaded into the
        Triton of its own host."""
        self._have_loaded(self._joining)

    def _have_loaded(self, record: ModelRecord | None) -> None:
        if record is None or record.version not in contracts.versions(self._repository):
            return
        if not self._triton.is_ready(record.version):
            log.warning("Triton does not serve version %d: asking it to load it", record.version)
            answer = self._triton.load()
            if answer:
                log.warning("Triton: %s", " ".join(answer.split()))

    def watch(self) -> None:
        """Looks which of several servers are there and serve what is in use, and has those load it
        that lack it, if the repository has it: Triton would drop the version in use without."""
        self._triton.look()
        record = self._in_use
        if record is not None and record.version in contracts.versions(self._repository):
            self._triton.catch_up()

    @property
    def is_watched(self) -> bool:
        """Returns whether somebody has to `watch`: there may be several servers."""
        return self._triton.is_several

    def servers(self) -> list[ServerState]:
        """Returns how each of several servers stands to the version in use; none of a server that
        is alone."""
        if not self._triton.is_several:
            return []
        record = self._in_use
        model = self._verified.get((record.version, record.sha256)) if record else None
        return self._triton.states(model.contract if model else None)

    def close(self) -> None:
        """Ends the threads of `watch`, and the client with them."""
        self._triton.close()

    def verified(self, version: int, sha256: str) -> Model:
        """Returns the model with this file under this number; errors as `in_use`."""
        key = (version, sha256)
        model = self._verified.get(key)
        if model is not None:
            return model
        if not self._verifying.acquire(timeout=VERIFYING_TIMEOUT_S):
            raise FeaturesUnavailable(
                f"verifying version {version} takes over {VERIFYING_TIMEOUT_S} s: Triton is slow"
            )
        try:
            model = self._verified.get(key)
            if model is None:
                model = self._verified[key] = self._verify(version, sha256)
            return model
        finally:
            self._verifying.release()

    def labels_of(self, record: ModelRecord) -> tuple[str, ...]:
        """Returns the keywords of a model, in the order of its scores, without asking Triton.

        Raises:
            FeaturesUnavailable, ModelRefused: the repository lacks them, or has another model's.
        """
        model = self._verified.get((record.version, record.sha256))
        if model is not None:
            return model.files.labels
        contract, labels = version_files.described(self._repository, record.version)
        if contract.sha256 != record.sha256:
            raise ModelRefused(_ANOTHER.format(record.version))
        return labels

    def labels_by(self, sha256: str) -> tuple[str, ...]:
        """Returns those of the model with this file; errors as `labels_of`."""
        return self.labels_of(self._records.get(sha256))

    def same_image_by(self, sha256: str) -> SameImage | None:
        """Returns the constants of the model with this file; None where its contract has none, or
        can't be read."""
        if sha256 not in self._same_image:
            try:
                record = self._records.get(sha256)
                contract = contracts.read(self._repository, record.version)
            except (FeaturesUnavailable, ModelRefused):
                return None
            known = contract.same_image if contract.sha256 == sha256 else None
            self._same_image[sha256] = known
        return self._same_image[sha256]

    def key_of(self, sha256: str) -> int:
        """Returns the catalogue's key of the model with this file, without asking Triton."""
        return self._records.get(sha256).model

    def dimension_of(self, sha256: str) -> int:
        """Returns D of the model with this file, without asking Triton."""
        return self._records.get(sha256).dimension

    def _forget(self) -> None:
        """Has each model verified again before its next use, as Triton may return with another. Of
        several servers that one does it which was away, and the others go on."""
        if not self._triton.is_several:
            self._verified = {}

    def _adopt(self, record: ModelRecord | None) -> ModelRecord:
        found = contracts.versions(self._repository)
        if record is None and not found:
            raise FeaturesUnavailable(
                f"no model in {self._repository}: `python -m export` makes one"
            )
        version = found[-1] if record is None else record.version
        contract, _ = version_files.described(self._repository, version)
        return self._records.adopt(version, contract.sha256, contract.dimension)

    def _verify(self, version: int, sha256: str) -> Model:
        files = version_files.read(self._repository, version)
        contract = files.contract
        if contract.sha256 != sha256:
            raise ModelRefused(_ANOTHER.format(version))
        self._triton.prove(contract)
        log.info("model version %d (%s) keeps its contract", version, contract.precision)
        largest_call = self._triton.largest_batch(contract)
        record = self._records.get(sha256, version)
        if contract.dimension != record.dimension:
            raise ModelRefused(
                f"features of version {version} have dimension {contract.dimension}, and the "
                f"catalogue has it with dimension {record.dimension}"
            )
        return Model(record, files, self._triton, largest_call, self._forget)
