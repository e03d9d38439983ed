"""A claimed task to whoever does its kind of work: the composition root of the worker."""

from sidecar.admission import Admission
from sidecar.catalogue import SHORT, Catalogue, Task, TaskKind
from sidecar.embedding import Embedding
from sidecar.index.builder import BuildRules
from sidecar.index.store import Generations
from sidecar.mending import Mending
from sidecar.models.comparison import Comparison
from sidecar.models.registry import VerifiedModels
from sidecar.models.repository import Versions
from sidecar.models.triton import Extractor
from sidecar.retirement import Retirement
from sidecar.settings import Settings
from sidecar.trainer import Trainer
from sidecar.upgrades import Parts, Report, Upgrader


def work_on(task: Task, catalogue: Catalogue, settings: Settings, report: Report) -> Task:
    """Do a task of any kind; errors as those of `Trainer`, `Upgrader`,
    `Retirement` and `Mending`."""
    generations = Generations(settings.index_dir)
    rules = BuildRules.of(settings)
    trainer = Trainer(catalogue, generations, rules, settings.keep_generations)
    if task.kind in SHORT:
        return trainer.run(task, report)
    repository = settings.model_repository
    extractor = Extractor.of(settings)
    models = VerifiedModels(repository, catalogue.models, extractor)
    versions = Versions(repository, catalogue.models, extractor, models)
    if task.kind == TaskKind.MEND:
        comparison = Comparison(models)
        return Mending(catalogue, generations, trainer, comparison, task, report).run()
    admission = Admission(generations, repository)
    if task.kind == TaskKind.RETIRE:
        return Retirement(catalogue, generations, versions, admission).run(task, report)
    parts = Parts(
        catalogue,
        generations,
        trainer,
        versions,
        Embedding(catalogue.entries, catalogue.vectors, models),
        admission,
    )
    return Upgrader(parts, task, report).run()
