"""The commands that look after what is stored: backup, restore, verify, repair, and moves."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sidecar import objects, volume
from sidecar.catalogue import BackupMade, Catalogue, MendingReport, Moved, open_catalogue
from sidecar.errors import (
    CatalogueUnavailable,
    FeaturesUnavailable,
    ModelRefused,
    SettingsError,
    StorageFull,
)
from sidecar.index import BuildRules, GenerationStore, Lineage
from sidecar.index.engines import engine_of
from sidecar.index.sharing.parts import Sharing
from sidecar.models.comparison import Comparison
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.models.version_follower import VersionFollower
from sidecar.models.watch import watching
from sidecar.operations.backup import Backups
from sidecar.operations.other_hosts import Shared, check_gone, unshare
from sidecar.operations.remote_backup import RemoteBackups
from sidecar.operations.repair import mend_all, repair
from sidecar.operations.shared_index import hand_over
from sidecar.operations.verify import Verifier
from sidecar.settings import Settings
from sidecar.volume import host_name

ALONE = ("restore", "unshare", "return-images")  # no service runs on this host meanwhile
ON_PICTURES = ("move-images", "return-images")
ON_THE_INDEX = ("backup", "repair")  # that all hosts have in common


def maintain(settings: Settings, command: str, place: str = "") -> int:
    """Runs one of `COMMANDS`, and prints how it ended.

    Args:
        place: of the backup, for those that take one: a folder, or `s3://bucket/prefix`.
    Returns:
        the exit status: 1 where `verify` has found something wrong.
    Raises:
        SimilarityError: why it could not be done.
    """
    objects.check(place, objects.BACKUP)
    objects.check(settings.pictures_store, objects.PICTURES)
    if command in ON_PICTURES and not settings.pictures_store:
        raise SettingsError("PICTURES_STORE is empty: set it to the store of the images")
    with (
        _volume(settings, command),
        closing(
            open_catalogue(
                settings.database_url,
                settings.task_lease_s,
                settings.keep_tasks_days,
                to_read=command == "verify",
                pictures_store=settings.pictures_store,
                changes_store=command == "move-images",
            )
        ) as catalogue,
    ):
        if command in ON_THE_INDEX:
            catalogue.generations.check_followed(settings.index_store)
        generations = GenerationStore(
            settings.index_dir, Lineage(catalogue.marks), engine_of(settings, catalogue)
        )
        sharing = Sharing.of(settings.index_store, catalogue, generations)
        backups = Backups(catalogue, generations)
        triton = TritonClient.of(settings)
        models = ModelRegistry(settings.model_repository, catalogue.models, triton)
        copies = Copies(backups, settings.data_dir)
        versions = VersionFollower.of(settings, catalogue, lambda: host_name(settings.data_dir))
        tools = Tools(copies, BuildRules.of(settings), Comparison(models), sharing, versions)
        with watching(models):
            return COMMANDS[command](tools, place)


def _volume(settings: Settings, command: str) -> AbstractContextManager[None]:
    """Keeps a service off the volume where that is filled or leaves the others; the rest runs
    beside one."""
    return volume.alone(settings.data_dir) if command in ALONE else nullcontext()


@dataclass(frozen=True)
class Copies:
    """Backups in folders and in buckets: a place says which."""

    backups: Backups
    data_dir: Path

    def backup(self, place: str) -> BackupMade:
        """Makes a backup; errors as those of `Backups` and `RemoteBackups`."""
        if objects.is_bucket(place):
            return self._remote.backup(place, _report)
        return self.backups.backup(Path(place), _report)

    def restore(self, place: str) -> None:
        """Restores one; errors likewise."""
        if objects.is_bucket(place):
            self._remote.restore(place, _report)
        else:
            self.backups.restore(Path(place), _report)

    @property
    def _remote(self) -> RemoteBackups:
        return RemoteBackups(self.backups, self.data_dir, _report_bytes)


@dataclass(frozen=True)
class Tools:
    """The parts that the commands work with."""

    copies: Copies
    rules: BuildRules
    comparison: Comparison
    sharing: Sharing | None = None
    versions: VersionFollower | None = None

    @property
    def catalogue(self) -> Catalogue:
        return self.copies.backups.catalogue

    @property
    def generations(self) -> GenerationStore:
        return self.copies.backups.generations


def _backup(tools: Tools, place: str) -> int:
    made = tools.copies.backup(place)
    print(f"backed up into {place}")
    _note(tools.catalogue, made)
    return 0


def _note(catalogue: Catalogue, made: BackupMade) -> None:
    """Notes a backup, which is whole, noted or not."""
    try:
        catalogue.note_backup(made)
    except (CatalogueUnavailable, StorageFull) as error:
        print(f"the backup is whole, but its date was not noted: {error}", file=sys.stderr)


def _restore(tools: Tools, place: str) -> int:
    check_gone(tools.catalogue, tools.copies.data_dir)
    tools.copies.restore(place)
    if tools.sharing is not None:
        hand_over(tools.catalogue, tools.generations, tools.sharing)
    print(f"restored from {place}: {tools.catalogue.images.count()} images")
    return 0


def _verify(tools: Tools, _place: str) -> int:
    catalogue, wrong = tools.catalogue, 0
    verifier = Verifier(catalogue, tools.generations, tools.sharing, tools.versions)
    for problem in _problems(verifier, tools.comparison):
        wrong += 1
        print(problem)
    if unnamed := sum(len(names) for names in catalogue.unnamed.orphans()):
        print(f"{unnamed} objects in PICTURES_STORE that no row names: `repair` deletes them")
    print(f"{catalogue.images.count()} images, {wrong or 'nothing'} wrong")
    return 1 if wrong else 0


def _problems(verifier: Verifier, comparison: Comparison) -> Iterator[str]:
    yield from verifier.problems()
    try:
        yield from verifier.wrong_features(comparison)
    except (FeaturesUnavailable, ModelRefused) as error:
        _print_not_compared(error)


def _repair(tools: Tools, _place: str) -> int:
    catalogue, generations = tools.catalogue, tools.generations
    task = repair(catalogue, generations, tools.rules, tools.sharing)
    made = f"generation {task.generation}, {task.images} images" if task else "no images, no index"
    print(f"repaired: {made}")
    if deleted := catalogue.unnamed.delete_orphans():
        print(f"objects in PICTURES_STORE that no row named: {deleted} deleted")
    if task is not None:
        _mend(tools)
    return 0


def _mend(tools: Tools) -> None:
    """Compares all features, once the index is there again: that takes longer than making it."""
    catalogue, generations = tools.catalogue, tools.generations
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


def _move_images(tools: Tools, _place: str) -> int:
    return _moved(tools.catalogue.moves.into_store(_report), "in the catalogue")


def _return_images(tools: Tools, _place: str) -> int:
    check_gone(tools.catalogue, tools.copies.data_dir)
    status = _moved(tools.catalogue.moves.into_rows(_report), "in PICTURES_STORE")
    if status == 0:
        print("now leave PICTURES_STORE empty; what is left in the store may be deleted")
    return status


def _moved(moved: Moved, where: str) -> int:
    """Prints how a move ended; returns the exit status."""
    for sentence in moved.damaged:
        print(f"{sentence}: it stays {where}")
    print(f"JPEGs and uploads moved: {moved.count}")
    return 1 if moved.damaged else 0


def _unshare(tools: Tools, _place: str) -> int:
    shared = Shared(tools.sharing, tools.versions)
    number = unshare(tools.catalogue, tools.generations, shared, tools.copies.data_dir)
    made = "no index: ask for a training" if number is None else f"generation {number} of the index"
    print(f"this host has {made}, and no other: now leave INDEX_STORE empty")
    return 0


def _print_not_compared(error: FeaturesUnavailable | ModelRefused) -> None:
    text = f"the features were not compared with the model's, which does not answer: {error}"
    print(" ".join(text.split()), file=sys.stderr)


def _report(table: str, rows: int) -> None:
    """Counts the rows in one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{table}: {rows} rows\033[K\r", end="", file=sys.stderr, flush=True)


def _report_bytes(file: str, done: int) -> None:
    """Counts what has gone to a bucket or come from it in one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{file}: {done / 1e6:.0f} MB\033[K\r", end="", file=sys.stderr, flush=True)


COMMANDS: dict[str, Callable[[Tools, str], int]] = {
    "backup": _backup,
    "restore": _restore,
    "verify": _verify,
    "repair": _repair,
    "unshare": _unshare,
    "move-images": _move_images,
    "return-images": _return_images,
}
