"""A claimed task to whoever does its kind of work: the composition root of the worker."""

from sidecar.catalogue import SHORT, Catalogue, Task, TaskKind
from sidecar.index import BuildRules, GenerationStore
from sidecar.models.comparison import Comparison
from sidecar.models.registry import ModelRegistry
from sidecar.models.repository import ModelRepository
from sidecar.models.triton import TritonClient
from sidecar.settings import Settings
from sidecar.tasks.admission import Admission
from sidecar.tasks.backfill import Backfill
from sidecar.tasks.mending import Mending
from sidecar.tasks.retirement import Retirement
from sidecar.tasks.training import Trainer
from sidecar.tasks.upgrade import Parts, Report, Upgrader


def work_on(task: Task, catalogue: Catalogue, settings: Settings, report: Report) -> Task:
    """Do a task of any kind; errors as those of `Trainer`, `Upgrader`,
    `Retirement` and `Mending`."""
    generations = GenerationStore(settings.index_dir)
    rules = BuildRules.of(settings)
    trainer = Trainer(catalogue, generations, rules, settings.keep_generations)
    if task.kind in SHORT:
        return trainer.run(task, report)
    repository = settings.model_repository
    triton = TritonClient.of(settings)
    models = ModelRegistry(repository, catalogue.models, triton)
    versions = ModelRepository(repository, catalogue.models, triton, models)
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
        Backfill(catalogue.images, catalogue.features, models),
        admission,
    )
    return Upgrader(parts, task, report).run()
