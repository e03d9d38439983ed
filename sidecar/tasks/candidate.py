"""A version that might come into use. It is tried here and now, one trial at a time, and nothing is
written, loaded or queued by it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.catalogue import Catalogue, TaskKind
from sidecar.errors import ModelRefused, TooBusy
from sidecar.models import version_files
from sidecar.models.contract import Contract
from sidecar.models.trial import NO_KEY
from sidecar.tasks.admission import Admission


@dataclass(frozen=True)
class Candidate:
    """A version that an upgrade would take: its contract, and the catalogue's key of it, or the one
    that no features have."""

    contract: Contract
    key: int


@dataclass(frozen=True)
class Candidates:
    """Looks candidates up, and lets one be tried at a time in each process: trials cost inference,
    and two at once would measure each other.

    Args:
        repository: the folder of the model repository.
    """

    catalogue: Catalogue
    admission: Admission
    repository: Path
    _one: threading.Lock = field(default_factory=threading.Lock)

    def get(self, version: int) -> Candidate:
        """Returns a version that an upgrade would begin with, as things are.

        Raises:
            UnknownVersion, SwitchRefused: the upgrade would be refused.
            ModelRefused: it would fail: the version does not keep its contract, or is not the one
                that the catalogue knows by this number.
            FeaturesUnavailable: the repository has no such version.
            CatalogueUnavailable.
        """
        facts = self.admission.facts(TaskKind.UPGRADE, version)
        with self.catalogue.reading() as transaction:
            facts.check_upgrade(transaction, version)
        contract, _ = version_files.described(self.repository, version)
        return Candidate(contract, self._key(contract))

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Raises TooBusy while this process tries another one."""
        if not self._one.acquire(blocking=False):
            raise TooBusy("another estimate or preview is being made: try again")
        try:
            yield
        finally:
            self._one.release()

    def _key(self, contract: Contract) -> int:
        record = self.catalogue.models.numbered(contract.version)
        if record is None:
            return NO_KEY
        if record.sha256 == contract.sha256:
            return record.model
        if self.catalogue.features.count(record.model):
            raise ModelRefused(
                f"version {contract.version} in the model repository is not the model that the "
                "catalogue has features of by this number"
            )
        return NO_KEY
