"""Repair: the index made again from the catalogue, and wrong features from the images."""

from contextlib import suppress

from sidecar.catalogue import Catalogue, Task, TaskKind
from sidecar.errors import (
    FeaturesUnavailable,
    ModelRefused,
    RepairRefused,
    SimilarityError,
    TaskLost,
    TaskWaits,
)
from sidecar.index import BuildRules, GenerationStore
from sidecar.index.sharing.parts import Sharing
from sidecar.models.comparison import Comparison
from sidecar.tasks.heartbeat import Heartbeat
from sidecar.tasks.mending import Mending
from sidecar.tasks.training import Trainer


def repair(
    catalogue: Catalogue,
    generations: GenerationStore,
    rules: BuildRules,
    sharing: Sharing | None = None,
) -> Task | None:
    """Trains on all images, however few, and leaves no other generation; as a task like any other.

    Returns:
        the finished task; None where there are no images, and now no index either.
    Raises:
        RepairRefused: another task runs, or came first.
        CatalogueDamaged: features in the catalogue are not what was stored.
        StorageFull, CatalogueUnavailable: the index is as it was.
    """
    with catalogue.writing() as transaction:
        task = transaction.tasks.claim(transaction.tasks.request(TaskKind.TRAIN).task_id)
        if task is None:
            raise RepairRefused("another task is running: wait for it, or cancel it")
    trainer = Trainer(catalogue, generations, rules, 1, fewest_samples=1, sharing=sharing)
    try:
        with Heartbeat(catalogue.tasks, task) as heartbeat:
            if catalogue.images.count():
                return trainer.run(task, heartbeat.report)
            trainer.drop(task)
            return None
    except SimilarityError as error:
        catalogue.tasks.fail(task, error)
        raise


def mend_all(
    catalogue: Catalogue,
    generations: GenerationStore,
    rules: BuildRules,
    comparison: Comparison,
    sharing: Sharing | None = None,
) -> Task | None:
    """Embeds every image again by each model that answers, and corrects features that differ; where
    any did, the index is made again.

    Returns:
        the finished task; None where another task goes first, and this one waits for a worker.
    Raises:
        FeaturesUnavailable, ModelRefused: the model in use does not answer; nothing was changed.
        TaskLost: the task was cancelled.
        StorageFull, CatalogueUnavailable: what was mended is kept; the next start goes on.
    """
    _suspect_all(catalogue, comparison)
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.MEND).task_id)
    if task is None:
        return None
    trainer = Trainer(catalogue, generations, rules, 1, fewest_samples=1, sharing=sharing)
    try:
        with Heartbeat(catalogue.tasks, task) as heartbeat:
            mending = Mending(catalogue, generations, trainer, comparison, task, heartbeat.report)
            return mending.run()
    except TaskWaits:
        return None
    except TaskLost:
        raise
    except SimilarityError as error:
        catalogue.tasks.fail(task, error)
        raise


def _suspect_all(catalogue: Catalogue, comparison: Comparison) -> None:
    """Marks the features of each model that answers as in doubt."""
    known = catalogue.models.known()
    if known.in_use is not None:
        comparison.models.verified(known.in_use.version, known.in_use.sha256)
        catalogue.suspects.add_all(known.in_use)
    for record in known.all - {known.in_use}:
        with suppress(FeaturesUnavailable, ModelRefused):
            comparison.models.verified(record.version, record.sha256)
            catalogue.suspects.add_all(record)
