"""The index made again from the catalogue, which has all that it takes."""

import shutil

from sidecar.builds import BuildRules
from sidecar.catalogue import Catalogue, Task, TaskKind
from sidecar.errors import RepairRefused, SimilarityError
from sidecar.generations import CURRENT, Generations
from sidecar.heartbeat import Heartbeat
from sidecar.trainer import Trainer


def repair(catalogue: Catalogue, generations: Generations, rules: BuildRules) -> Task | None:
    """Train on all images, however few, and leave no other generation; as a task like any other.

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
    trainer = Trainer(catalogue, generations, rules, keep_generations=1, fewest_samples=1)
    try:
        with Heartbeat(catalogue.tasks, task) as heartbeat:
            if catalogue.entries.count():
                return trainer.run(task, heartbeat.report)
            with catalogue.tasks.publishing(task):
                _drop_all(generations)
            return None
    except SimilarityError as error:
        catalogue.tasks.fail(task, error)
        raise


def _drop_all(generations: Generations) -> None:
    """No images, no index."""
    (generations.folder / CURRENT).unlink(missing_ok=True)
    for number in generations.numbers():
        shutil.rmtree(generations.path(number))
