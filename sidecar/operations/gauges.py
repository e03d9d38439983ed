"""Prometheus' gauges: of the catalogue, the index, the model, the tasks, the parts, the volume.

They are read at each scrape, so that it does not matter which process answers. What can't be read
just now is left out; `part_up` then shows which part is down.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import UNFINISHED, Catalogue, DuplicateKind, TaskKind, TaskState
from sidecar.errors import SimilarityError
from sidecar.index import Generation
from sidecar.index.calibration import Calibration
from sidecar.index.nprob import RECALL_TARGETS
from sidecar.models import contract as contracts
from sidecar.models.triton import State
from sidecar.operations.health import Health
from sidecar.operations.stats import DuplicateFigures, Inventory
from sidecar.telemetry.exposition import Gauge


@dataclass(frozen=True)
class Gauges:
    """Reads all gauges.

    Args:
        repository: the folder of the model repository, for its contracts.
        volume: the folder of the catalogue and the index.
    """

    catalogue: Catalogue
    inventory: Inventory
    health: Health
    repository: Path
    volume: Path

    def read(self) -> Iterator[Gauge]:
        """Yields each figure that can be read; takes milliseconds, or seconds if a part hangs."""
        sources: list[Callable[[], Iterator[Gauge]]] = [
            self._stored,
            self._ahead,
            self._model,
            self._tasks,
            self._workers,
            self._parts,
            self._tritons,
            self._versions,
            self._images_store,
            self._volume,
        ]
        for source in sources:
            with suppress(SimilarityError):
                yield from [*source()]

    def _stored(self) -> Iterator[Gauge]:
        generation, stats = self.inventory.look()
        yield Gauge.of("images", "Images in the catalogue.", stats.images)
        yield Gauge.of("images_waiting", "Images that wait for an update.", stats.waiting)
        yield Gauge.of("images_live", "Of these, those that a search finds already.", stats.live)
        yield Gauge.of(
            "removals_waiting", "Removed images that the index's files still hold.", stats.deleted
        )
        text = "Hosts that search an older generation than the one published last."
        yield Gauge.of("index_hosts_behind", text, stats.hosts_behind)
        if stats.current_generation is not None:
            text = "Number of the generation that is to be searched."
            yield Gauge.of("index_current_generation", text, stats.current_generation)
        if stats.last_backup is not None:
            text = "The moment that the last backup holds."
            yield Gauge.of("last_backup_timestamp_seconds", text, stats.last_backup.at)
        if stats.duplicates is not None:
            yield from _of_duplicates(stats.duplicates)
        if generation is not None:
            yield from _of_index(generation)

    def _ahead(self) -> Iterator[Gauge]:
        with suppress(SimilarityError):
            self.inventory.generations.current()  # which finds them
        text = "Generations made of more than the catalogue has, which went back."
        yield Gauge.of("index_generations_ahead", text, len(self.inventory.generations.ahead()))

    def _model(self) -> Iterator[Gauge]:
        record = self.catalogue.models.in_use()
        if record is None:
            return
        contract = contracts.read(self.repository, record.version)
        labels = (str(record.version), contract.precision, record.sha256)
        names = ("version", "precision", "sha256")
        yield Gauge("model_info", "The version in use.", names, [(labels, 1)])

    def _tasks(self) -> Iterator[Gauge]:
        latest = self.catalogue.tasks.latest()
        count = Counter((task.kind, task.state) for task in latest)
        states = [((kind, state), count[kind, state]) for kind in TaskKind for state in UNFINISHED]
        yield Gauge("tasks", "Tasks that wait or run.", ("kind", "state"), states)
        progress = [
            ((task.kind,), task.progress) for task in latest if task.state == TaskState.RUNNING
        ]
        yield Gauge("task_progress_ratio", "Of the task that runs.", ("kind",), progress)
        failed = [((kind,), float(count[kind, TaskState.ERROR] > 0)) for kind in TaskKind]
        text = "1 where the last task of a kind that ended failed."
        yield Gauge("task_last_failed", text, ("kind",), failed)

    def _workers(self) -> Iterator[Gauge]:
        yield Gauge.of("workers", "Workers that give life signs.", self.health.workers())

    def _parts(self) -> Iterator[Gauge]:
        parts = [((name,), float(state == "ok")) for name, state in self.health.parts().items()]
        yield Gauge("part_up", "1 where a part answers.", ("part",), parts)

    def _tritons(self) -> Iterator[Gauge]:
        states = Counter(each.state for each in self.health.models.servers())
        if states:
            counted = [((state,), float(states[state])) for state in State]
            text = "Of several Tritons, how many stand so to the version in use."
            yield Gauge("triton_servers", text, ("state",), counted)

    def _versions(self) -> Iterator[Gauge]:
        if self.health.versions is not None:
            text = "Versions of the model that other hosts have and this one lacks."
            yield Gauge.of("model_versions_coming", text, len(self.health.coming()))

    def _images_store(self) -> Iterator[Gauge]:
        objects = self.catalogue.objects
        if objects.is_used:
            text = "1 while the store of images did what it was asked last."
            yield Gauge.of("images_store_up", text, float(objects.trouble is None))

    def _volume(self) -> Iterator[Gauge]:
        usage = shutil.disk_usage(self.volume)
        yield Gauge.of("volume_size_bytes", "Of the volume of DATA_DIR.", usage.total)
        yield Gauge.of("volume_free_bytes", "Free on it.", usage.free)


def _of_duplicates(known: DuplicateFigures) -> Iterator[Gauge]:
    pairs = [((kind,), float(getattr(known, kind))) for kind in DuplicateKind]
    yield Gauge("duplicate_pairs", "Pairs of duplicates that are known.", ("class",), pairs)
    if known.ran_at is not None:
        text = "When all images had last been compared."
        yield Gauge.of("duplicates_run_timestamp_seconds", text, known.ran_at)


def _of_index(generation: Generation) -> Iterator[Gauge]:
    meta, quality = generation.meta, generation.meta.quality
    yield Gauge.of(
        "index_generation", "Number of the generation that is searched.", generation.number
    )
    yield Gauge.of("index_images", "Images in it.", meta.images)
    yield Gauge.of("index_created_timestamp_seconds", "When it was made.", generation.made_at)
    yield Gauge.of("index_training_due", "Reasons to train again.", len(quality.training_due()))
    points = quality.operating_points.points
    for name, text, values in (
        ("", "Recall@10 measured when it was made.", [p.recall for p in points]),
        ("_lower_bound", "Lower bound of it, one-sided, 95 %.", [p.at_least for p in points]),
        ("_promised", "What NPROB stands for.", [RECALL_TARGETS[p.nprob] for p in points]),
    ):
        by_nprob = [((str(p.nprob),), v) for p, v in zip(points, values, strict=True)]
        yield Gauge(f"index_recall{name}_ratio", text, ("nprob",), by_nprob)
    if quality.same_image is not None:
        yield from _of_same_image(quality.same_image)


def _of_same_image(checked: Calibration) -> Iterator[Gauge]:
    name, after = "index_same_image", "by made twins, at the training."
    text = f"Calibration error of the probability of the same image, {after}"
    yield Gauge.of(f"{name}_error_ratio", text, checked.ece)
    if checked.precision is not None:
        text = f"Of what is the same with at least 0.9, the share that is, {after}"
        yield Gauge.of(f"{name}_precision_ratio", text, checked.precision)
    text = f"Of twins, those found with at least 0.9, {after}"
    yield Gauge.of(f"{name}_recall_ratio", text, checked.recall)
