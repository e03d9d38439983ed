"""A version that is used no more: its features, its generations and Triton's memory given back."""

from dataclasses import dataclass

from sidecar.catalogue import Catalogue, RetirementReport, Task
from sidecar.index import GenerationStore
from sidecar.models.repository import ModelRepository
from sidecar.tasks.admission import Admission
from sidecar.tasks.upgrade import Report

AT_ONCE = 512  # images in a commit: adds go on in between


@dataclass(frozen=True)
class Retirement:
    """Runs retirements."""

    catalogue: Catalogue
    generations: GenerationStore
    versions: ModelRepository
    admission: Admission

    def run(self, task: Task, report: Report) -> Task:
        """Do a claimed task: when it has ended well, nothing is left of the version in
        `task.version` but its folder in `retired/`.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            SwitchRefused: the version has come into use meanwhile; nothing was changed.
            FeaturesUnavailable: Triton is away: it is to be asked for again.
            ModelRefused: the repository can't be written.
            CatalogueUnavailable.
        """
        assert task.version is not None
        report("unloading", 0.0)
        self._put_away(task, task.version)
        record = self.catalogue.models.numbered(task.version)
        freed = 0
        if record is not None:
            self.generations.discard(record.sha256)
            total = max(1, self.catalogue.features.count(record.model))
            while gone := self.catalogue.features.discard(record.model, AT_ONCE):
                freed += gone
                report("discarding", min(1.0, freed / total))
            freed += self.catalogue.models.retire(record)
            self.catalogue.release_space()
        with self.catalogue.tasks.publishing(task) as publication:
            publication.record(RetirementReport(task.version, freed))
        return publication.task

    def _put_away(self, task: Task, version: int) -> None:
        """While nobody else writes, nothing can bring the version into use."""
        ground = self.admission.ground(task.kind, version)
        with self.catalogue.tasks.holding(task) as transaction:
            ground.check(transaction, task)
            self.versions.retire(version)
        self.versions.unload()
