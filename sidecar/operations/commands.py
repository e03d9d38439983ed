"""The commands that look after what is stored: backup, restore, verify, repair."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sidecar import volume
from sidecar.catalogue import BackupMade, Catalogue, MendingReport, open_catalogue
from sidecar.errors import CatalogueUnavailable, FeaturesUnavailable, ModelRefused, StorageFull
from sidecar.index import BuildRules, GenerationStore, Lineage
from sidecar.index.sharing import Sharing
from sidecar.models.comparison import Comparison
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.models.watch import watching
from sidecar.operations.backup import Backups
from sidecar.operations.repair import mend_all, repair
from sidecar.operations.shared_index import hand_over
from sidecar.operations.verify import Verifier
from sidecar.settings import Settings


def maintain(settings: Settings, command: str, folder: Path) -> int:
    """Runs one of `COMMANDS`, and prints how it ended.

    Args:
        folder: of the backup, for those that take one.
    Returns:
        the exit status: 1 where `verify` has found something wrong.
    Raises:
        SimilarityError: why it could not be done.
    """
    with (
        _volume(settings, command),
        closing(
            open_catalogue(
                settings.database_url,
                settings.task_lease_s,
                settings.keep_tasks_days,
                to_read=command == "verify",
            )
        ) as catalogue,
    ):
        generations = GenerationStore(settings.index_dir, Lineage(catalogue.marks))
        sharing = Sharing.of(settings.index_store, catalogue, generations)
        backups = Backups(catalogue, generations)
        triton = TritonClient.of(settings)
        models = ModelRegistry(settings.model_repository, catalogue.models, triton)
        tools = Tools(backups, BuildRules.of(settings), Comparison(models), sharing)
        with watching(models):
            return COMMANDS[command](tools, folder)


def _volume(settings: Settings, command: str) -> AbstractContextManager[None]:
    """Keeps a service off the volume while it is filled; the others run beside one."""
    return volume.alone(settings.data_dir) if command == "restore" else nullcontext()


@dataclass(frozen=True)
class Tools:
    """The parts that the commands work with."""

    backups: Backups
    rules: BuildRules
    comparison: Comparison
    sharing: Sharing | None = None


def _backup(tools: Tools, folder: Path) -> int:
    made = tools.backups.backup(folder, _report)
    print(f"backed up into {folder}")
    _note(tools.backups.catalogue, made)
    return 0


def _note(catalogue: Catalogue, made: BackupMade) -> None:
    """Notes a backup, which is whole, noted or not."""
    try:
        catalogue.note_backup(made)
    except (CatalogueUnavailable, StorageFull) as error:
        print(f"the backup is whole, but its date was not noted: {error}", file=sys.stderr)


def _restore(tools: Tools, folder: Path) -> int:
    tools.backups.restore(folder, _report)
    if tools.sharing is not None:
        hand_over(tools.backups.catalogue, tools.backups.generations, tools.sharing)
    print(f"restored from {folder}: {tools.backups.catalogue.images.count()} images")
    return 0


def _verify(tools: Tools, _folder: Path) -> int:
    catalogue, wrong = tools.backups.catalogue, 0
    verifier = Verifier(catalogue, tools.backups.generations, tools.sharing)
    for problem in _problems(verifier, tools.comparison):
        wrong += 1
        print(problem)
    print(f"{catalogue.images.count()} images, {wrong or 'nothing'} wrong")
    return 1 if wrong else 0


def _problems(verifier: Verifier, comparison: Comparison) -> Iterator[str]:
    yield from verifier.problems()
    try:
        yield from verifier.wrong_features(comparison)
    except (FeaturesUnavailable, ModelRefused) as error:
        _print_not_compared(error)


def _repair(tools: Tools, _folder: Path) -> int:
    catalogue, generations = tools.backups.catalogue, tools.backups.generations
    task = repair(catalogue, generations, tools.rules, tools.sharing)
    made = f"generation {task.generation}, {task.images} images" if task else "no images, no index"
    print(f"repaired: {made}")
    if task is not None:
        _mend(tools)
    return 0


def _mend(tools: Tools) -> None:
    """Compares all features, once the index is there again: that takes longer than making it."""
    catalogue, generations = tools.backups.catalogue, tools.backups.generations
    try:
        task = mend_all(catalogue, generations, tools.rules, tools.comparison, tools.sharing)
    except (FeaturesUnavailable, ModelRefused) as error:
        _print_not_compared(error)
        return
    if task is None:
        print("another task goes first; the worker then compares the features of all images")
        return
    report = task.report
    assert isinstance(report, MendingReport)
    print(f"features compared: {report.checked}, {report.mended or 'none'} had to be mended")


def _print_not_compared(error: FeaturesUnavailable | ModelRefused) -> None:
    text = f"the features were not compared with the model's, which does not answer: {error}"
    print(" ".join(text.split()), file=sys.stderr)


def _report(table: str, rows: int) -> None:
    """Counts the rows in one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{table}: {rows} rows\033[K\r", end="", file=sys.stderr, flush=True)


COMMANDS: dict[str, Callable[[Tools, Path], int]] = {
    "backup": _backup,
    "restore": _restore,
    "verify": _verify,
    "repair": _repair,
}
