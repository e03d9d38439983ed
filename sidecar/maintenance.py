"""The commands that look after what is stored: backup, restore, verify, repair."""

import sys
from collections.abc import Callable
from pathlib import Path

from sidecar.backups import Backups
from sidecar.builds import BuildRules
from sidecar.catalogue import open_catalogue
from sidecar.generations import Generations
from sidecar.repair import repair
from sidecar.settings import Settings
from sidecar.verification import Verification


def maintain(settings: Settings, command: str, folder: Path) -> int:
    """Run one of `COMMANDS`, telling on standard output how it ended.

    Args:
        folder: of the backup, for those that take one.
    Returns:
        the exit status: 1 where `verify` has found something wrong.
    Raises:
        SimilarityError: why it could not be done.
    """
    catalogue = open_catalogue(
        settings.database_url, settings.task_lease_s, settings.keep_tasks_days
    )
    try:
        backups = Backups(catalogue, Generations(settings.index_dir))
        return COMMANDS[command](backups, folder, BuildRules.of(settings))
    finally:
        catalogue.database.close()


def _backup(backups: Backups, folder: Path, _rules: BuildRules) -> int:
    backups.backup(folder, _report)
    print(f"backed up into {folder}")
    return 0


def _restore(backups: Backups, folder: Path, _rules: BuildRules) -> int:
    backups.restore(folder, _report)
    print(f"restored from {folder}: {backups.catalogue.entries.count()} images")
    return 0


def _verify(backups: Backups, _folder: Path, _rules: BuildRules) -> int:
    wrong = 0
    for problem in Verification(backups.catalogue, backups.generations).problems():
        wrong += 1
        print(problem)
    print(f"{backups.catalogue.entries.count()} images, {wrong or 'nothing'} wrong")
    return 1 if wrong else 0


def _repair(backups: Backups, _folder: Path, rules: BuildRules) -> int:
    task = repair(backups.catalogue, backups.generations, rules)
    made = f"generation {task.generation}, {task.images} images" if task else "no images, no index"
    print(f"repaired: {made}")
    return 0


def _report(table: str, rows: int) -> None:
    """One line that counts, for whoever watches."""
    if sys.stderr.isatty():
        print(f"\r{table}: {rows} rows\033[K\r", end="", file=sys.stderr, flush=True)


COMMANDS: dict[str, Callable[[Backups, Path, BuildRules], int]] = {
    "backup": _backup,
    "restore": _restore,
    "verify": _verify,
    "repair": _repair,
}
