"""What an upgrade would take: images, bytes, hours. Nothing is written, loaded or queued by it."""

from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import Catalogue
from sidecar.index import GenerationStore
from sidecar.models.trial import loaded, on_trial
from sidecar.models.triton import TritonClient
from sidecar.tasks.candidate import Candidate, Candidates
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
    """Makes estimates.

    Args:
        repository: the folder of the model repository.
    """

    catalogue: Catalogue
    candidates: Candidates
    generations: GenerationStore
    repository: Path
    triton: TritonClient

    def upgrade(self, version: int) -> Estimate:
        """Returns what an upgrade to a version would take.

        Raises:
            UnknownVersion, SwitchRefused, ModelRefused: as `Candidates.get`.
            FeaturesUnavailable: Triton is away.
            TooBusy: another estimate or preview is being made.
            CatalogueDamaged, CatalogueUnavailable.
        """
        candidate = self.candidates.get(version)
        images = self.catalogue.images.count()
        missing = max(0, images - self.catalogue.features.count(candidate.key))
        parts = needed(self.generations, images, missing, candidate.contract.dimension)
        pace = self._pace(candidate) if missing else NOTHING_TO_DO
        return Estimate(
            version=version,
            images=missing,
            bytes=parts.features_bytes + parts.index_bytes,
            features_bytes=parts.features_bytes,
            index_bytes=parts.index_bytes,
            free_bytes=free_bytes(self.generations),
            hours=pace.hours(missing),
            images_per_s=round(pace.rate.per_s, 1) if pace.rate else None,
            measured=pace.rate.images if pace.rate else 0,
            measured_version=pace.version,
            trouble=pace.trouble,
        )

    def _pace(self, candidate: Candidate) -> Pace:
        with self.candidates.trying():
            return self._measure(candidate)

    def _measure(self, candidate: Candidate) -> Pace:
        in_use, number = self.catalogue.models.in_use(), candidate.contract.version
        version = loaded(self.repository, self.triton, candidate.contract, in_use)
        if version is None:
            return Pace(
                trouble=f"Triton has not loaded version {number}, nor is one of the same network "
                "in use: it loads when Triton starts, or with the upgrade"
            )
        trial = on_trial(self.repository, self.triton, version)
        newest, _ = self.catalogue.images.last_added() or (0, 0.0)
        rate = measured(self.catalogue.features, trial, candidate.key, newest)
        return Pace(rate, version) if rate else NOTHING_TO_DO
