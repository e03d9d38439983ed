"""The composition root of a task: builds the parts that its kind of work needs, and starts it.

It loads FAISS and gRPC, so `runner` imports it only after RQ's fork and the first heartbeat.
"""

import logging
from dataclasses import dataclass

from sidecar.catalogue import SHORT, Catalogue, Task, TaskKind
from sidecar.errors import IndexStoreUnavailable, SimilarityError
from sidecar.index import BuildRules, GenerationStore, Lineage
from sidecar.index.engines import engine_of
from sidecar.index.sharing.parts import Sharing
from sidecar.models.comparison import Comparison
from sidecar.models.loader import ModelLoader
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.models.version_follower import VersionFollower
from sidecar.models.watch import watching
from sidecar.settings import Settings
from sidecar.tasks import patience
from sidecar.tasks.admission import Admission
from sidecar.tasks.backfill import Backfill
from sidecar.tasks.duplicates import DuplicateFinder
from sidecar.tasks.heartbeat import Report
from sidecar.tasks.keyword_backfill import KeywordBackfill
from sidecar.tasks.mending import Mending
from sidecar.tasks.retirement import Retirement
from sidecar.tasks.training import Trainer
from sidecar.tasks.twin_check import TRITON_TIMEOUT_S, TwinCheck
from sidecar.tasks.upgrade import Parts, Upgrader
from sidecar.volume import host_name

log = logging.getLogger(__name__)


def work_on(task: Task, catalogue: Catalogue, settings: Settings, report: Report) -> Task:
    """Runs a claimed task of any kind, and returns it as it ended.

    Errors are those of `Trainer`, `Upgrader`, `Retirement`, `Mending`, `KeywordBackfill` and
    `DuplicateFinder`.
    """
    generations = GenerationStore(
        settings.index_dir, Lineage(catalogue.marks), engine_of(settings, catalogue)
    )
    sharing = Sharing.of(settings.index_store, catalogue, generations)
    if sharing is not None:
        _catch_up(sharing, task, report)
    rules = BuildRules.of(settings)
    twins = TwinCheck(catalogue.images, _registry(catalogue, settings, TRITON_TIMEOUT_S))
    keep = settings.keep_generations
    trainer = Trainer(catalogue, generations, rules, keep, twins=twins, sharing=sharing)
    if task.kind in SHORT:
        return trainer.run(task, report)
    triton = TritonClient.of(settings)
    models = ModelRegistry(settings.model_repository, catalogue.models, triton)
    embedding = Embedding(catalogue, settings, generations, trainer, triton, models)
    with watching(models):
        return _embed(task, embedding, report)


@dataclass(frozen=True)
class Embedding:
    """What work that asks Triton is done with."""

    catalogue: Catalogue
    settings: Settings
    generations: GenerationStore
    trainer: Trainer
    triton: TritonClient
    models: ModelRegistry


def _embed(task: Task, parts: Embedding, report: Report) -> Task:
    """Does as `work_on` for work that asks Triton, perhaps for hours."""
    catalogue, generations, trainer = parts.catalogue, parts.generations, parts.trainer
    triton, models, settings = parts.triton, parts.models, parts.settings
    if task.kind == TaskKind.DUPLICATES:
        return DuplicateFinder(catalogue, generations, task, report, models).run()
    if task.kind == TaskKind.MEND:
        comparison = Comparison(models)
        return Mending(catalogue, generations, trainer, comparison, task, report).run()
    if task.kind == TaskKind.FILL:
        return KeywordBackfill(catalogue, models, task, report, trainer.may_replace_index()).run()
    admission = Admission(generations, settings.model_repository)
    versions = _versions(catalogue, settings)
    shared = versions.shared if versions else None
    loader = ModelLoader(settings.model_repository, catalogue.models, triton, models, shared)
    if task.kind == TaskKind.RETIRE:
        return Retirement(catalogue, trainer, loader, admission).run(task, report)
    backfill = Backfill(catalogue.images, catalogue.features, models)
    upgrade = Parts(catalogue, generations, trainer, loader, backfill, admission)
    return Upgrader(upgrade, task, report).run()


def _versions(catalogue: Catalogue, settings: Settings) -> VersionFollower | None:
    """Brings to this host the versions that others have, as far as they can be had."""
    versions = VersionFollower.of(settings, catalogue, lambda: host_name(settings.data_dir))
    if versions is not None:
        versions.catch_up()
        try:
            versions.sweep()
        except SimilarityError as error:  # the next task of a version does it
            log.warning("the index store was not cleared of old versions: %s", error)
    return versions


def _catch_up(sharing: Sharing, task: Task, report: Report) -> None:
    """Brings to this host what the task may go on from. Raises IndexStoreUnavailable."""

    def going_on() -> None:
        report("fetching", 0.0)

    def act() -> None:
        going_on()
        sharing.follower.catch_up(every=task.kind == TaskKind.ROLLBACK)

    patience.retried(act, going_on, away=IndexStoreUnavailable)


def _registry(catalogue: Catalogue, settings: Settings, timeout_s: float) -> ModelRegistry:
    """Returns models that are asked with a timeout, at most that of the settings."""
    timeout_s = min(timeout_s, settings.triton_timeout_s)
    triton = TritonClient(settings.triton_url, timeout_s)
    return ModelRegistry(settings.model_repository, catalogue.models, triton)
