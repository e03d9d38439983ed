"""What an upgrade would take: images, bytes, hours. Nothing is written, loaded or queued by it."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.catalogue import Catalogue, TaskKind
from sidecar.errors import ModelRefused, TooBusy
from sidecar.models import version_files
from sidecar.models.contract import Contract
from sidecar.models.trial import NO_KEY, loaded, on_trial
from sidecar.models.triton import TritonClient
from sidecar.tasks.admission import Admission
from sidecar.tasks.disk_space import free_bytes, needed
from sidecar.tasks.rate import Rate, measured


@dataclass(frozen=True)
class Estimate:
    """What an upgrade would take now; the fields are the keys of the answer.

    Args:
        images: that would be embedded again.
        bytes: that it would write; `features_bytes` of them into the catalogue, and `index_bytes`
            into an index of its own, which comes only where there is one already.
        free_bytes: of the volume that the index is on, and the catalogue where it is a file.
        hours: that embedding them would take at `images_per_s`; None where that is not known.
        measured: how many images were embedded to know it.
        measured_version: by which version: another of the same network, where Triton has not loaded
            this one yet.
        trouble: why the rate is not known, in a sentence.
    """

    version: int
    images: int
    bytes: int
    features_bytes: int
    index_bytes: int
    free_bytes: int
    hours: float | None
    images_per_s: float | None
    measured: int
    measured_version: int | None
    trouble: str | None


@dataclass(frozen=True)
class Pace:
    """How fast an upgrade would embed, by which version, and otherwise why that is not known."""

    rate: Rate | None = None
    version: int | None = None
    trouble: str | None = None

    def hours(self, images: int) -> float | None:
        """Returns how long it would take; None where that is not known."""
        if self.rate is None:
            return None if self.trouble else 0.0
        return round(images / self.rate.per_s / 3600, 4)


NOTHING_TO_DO = Pace()


@dataclass(frozen=True)
class Estimates:
    """Makes estimates, one at a time in each process: each costs some inference.

    Args:
        repository: the folder of the model repository.
    """

    catalogue: Catalogue
    admission: Admission
    repository: Path
    triton: TritonClient
    _one: threading.Lock = field(default_factory=threading.Lock)

    def upgrade(self, version: int) -> Estimate:
        """Returns what an upgrade to a version would take.

        Raises:
            UnknownVersion, SwitchRefused: the upgrade would be refused, as things are.
            ModelRefused: it would fail: the version does not keep its contract, or is not the one
                that the catalogue knows by this number.
            FeaturesUnavailable: Triton is away.
            TooBusy: another estimate is being made.
            CatalogueDamaged, CatalogueUnavailable.
        """
        facts = self.admission.facts(TaskKind.UPGRADE, version)
        with self.catalogue.reading() as transaction:
            facts.check_upgrade(transaction, version)
        contract, _ = version_files.described(self.repository, version)
        key = self._key(contract)
        images = self.catalogue.images.count()
        missing = max(0, images - self.catalogue.features.count(key))
        generations = self.admission.generations
        parts = needed(generations, images, missing, contract.dimension)
        pace = self._pace(contract, key) if missing else NOTHING_TO_DO
        return Estimate(
            version=version,
            images=missing,
            bytes=parts.features_bytes + parts.index_bytes,
            features_bytes=parts.features_bytes,
            index_bytes=parts.index_bytes,
            free_bytes=free_bytes(generations),
            hours=pace.hours(missing),
            images_per_s=round(pace.rate.per_s, 1) if pace.rate else None,
            measured=pace.rate.images if pace.rate else 0,
            measured_version=pace.version,
            trouble=pace.trouble,
        )

    def _key(self, contract: Contract) -> int:
        """Returns the catalogue's key of a version, or the one that no features have."""
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

    def _pace(self, contract: Contract, key: int) -> Pace:
        if not self._one.acquire(blocking=False):
            raise TooBusy("another estimate is being made: try again")
        try:
            return self._measure(contract, key)
        finally:
            self._one.release()

    def _measure(self, contract: Contract, key: int) -> Pace:
        in_use = self.catalogue.models.in_use()
        version = loaded(self.repository, self.triton, contract, in_use)
        if version is None:
            return Pace(
                trouble=f"Triton has not loaded version {contract.version}, nor is one of the same "
                "network in use: it loads when Triton starts, or with the upgrade"
            )
        trial = on_trial(self.repository, self.triton, version)
        newest, _ = self.catalogue.images.last_added() or (0, 0.0)
        rate = measured(self.catalogue.features, trial, key, newest)
        return Pace(rate, version) if rate else NOTHING_TO_DO
