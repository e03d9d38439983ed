"""A version that is no longer used gives back its features, generations and memory of Triton."""

from dataclasses import dataclass

from sidecar.catalogue import Catalogue, RetirementReport, Task
from sidecar.models.loader import ModelLoader
from sidecar.models.put_away import RETIRED
from sidecar.tasks.admission import Admission
from sidecar.tasks.heartbeat import Report
from sidecar.tasks.training import Trainer

PAGE = 512  # images in a commit: adds go on in between


@dataclass(frozen=True)
class Retirement:
    """Runs retirements."""

    catalogue: Catalogue
    trainer: Trainer
    loader: ModelLoader
    admission: Admission

    def run(self, task: Task, report: Report) -> Task:
        """Runs a claimed task: when it has ended well, nothing is left of the version in
        `task.version` but its folder in `retired/`.

        Raises:
            TaskLost: the task was cancelled or given to another attempt.
            SwitchRefused: the version has come into use meanwhile; nothing was changed.
            FeaturesUnavailable: Triton is away, or goes on serving the version: the retirement has
                to be requested again.
            ModelRefused: the repository can't be written.
            CatalogueUnavailable.
        """
        assert task.version is not None
        report("unloading", 0.0)
        self._unload(task, task.version)
        record = self.catalogue.models.numbered(task.version)
        freed = 0
        if record is not None:
            self.trainer.discard(record.sha256)
            total = max(1, self.catalogue.features.count(record.model))
            while discarded := self.catalogue.features.discard(record.model, PAGE):
                freed += discarded
                report("discarding", min(1.0, freed / total))
            freed += self.catalogue.models.retire(record)
            self.catalogue.release_space()
        with self.catalogue.tasks.publishing(task) as publication:
            publication.record(RetirementReport(task.version, freed))
        return publication.task

    def _unload(self, task: Task, version: int) -> None:
        facts = self.admission.facts(task.kind, version)
        # While nobody else writes, nothing can bring the version into use.
        with self.catalogue.tasks.holding(task) as transaction:
            facts.check(transaction, task)
            self.loader.retire(version)
            transaction.shared_versions.take_out(version, RETIRED)
        self.loader.unload(version)
