"""What an upgrade would change: a few stored images answered by the version in use and by another,
both out of one sample. Nothing is written, loaded or queued by it."""

from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import Catalogue
from sidecar.models.trial import on_trial
from sidecar.models.triton import TritonClient
from sidecar.tasks.candidate import Candidates
from sidecar.tasks.paired import paired
from sidecar.tasks.side_by_side import Answered, agreement, answered

QUERIES = 12


@dataclass(frozen=True)
class Preview:
    """Answers of two versions beside each other; the fields are the keys of the answer.

    Args:
        in_use: the version in use; None before the first add.
        images: in the sample, out of which both answer.
        agreement_at_10: the mean share of the ten nearest that both name, of every image of the
            sample, 0..1; None where it has too few.
        queries: some of the sample, drawn at random.
        trouble: why nothing was compared, in a sentence.
    """

    version: int
    in_use: int | None
    images: int
    agreement_at_10: float | None
    queries: list[Answered]
    trouble: str | None


@dataclass(frozen=True)
class Previews:
    """Makes previews.

    Args:
        repository: the folder of the model repository.
    """

    catalogue: Catalogue
    candidates: Candidates
    repository: Path
    triton: TritonClient

    def upgrade(self, version: int) -> Preview:
        """Returns what an upgrade to a version would change.

        Raises:
            UnknownVersion, SwitchRefused, ModelRefused: as `Candidates.get`.
            FeaturesUnavailable: Triton is away.
            TooBusy: another estimate or preview is being made.
            CatalogueDamaged, CatalogueUnavailable.
        """
        self.candidates.get(version)
        in_use = self.catalogue.models.in_use()
        number = None if in_use is None else in_use.version

        def nothing(trouble: str) -> Preview:
            return Preview(version, number, 0, None, [], trouble)

        with self.candidates.trying():
            if not self.triton.is_ready(version):
                return nothing(
                    f"Triton has not loaded version {version}: it loads when Triton starts, or "
                    "with the upgrade"
                )
            trial = on_trial(self.repository, self.triton, version)
            sample = paired(self.catalogue.images, trial, in_use) if in_use else None
        if sample is None:
            return nothing("there are no images to compare the versions by")
        sides = (sample.before, sample.after)
        queries = answered(sample.ids, *sides, QUERIES)
        return Preview(version, number, len(sample.ids), agreement(*sides), queries, None)
