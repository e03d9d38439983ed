"""Other hosts that share the catalogue: whether any still runs, and the way back to one host."""

import sys
from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import SEEN_S, Catalogue, TaskKind, TaskState
from sidecar.errors import BackupRefused, NoIndex, SimilarityError
from sidecar.index import GenerationStore
from sidecar.index.sharing.parts import Sharing
from sidecar.models.version_follower import VersionFollower
from sidecar.volume import host_name


def check_gone(catalogue: Catalogue, data_dir: Path) -> None:
    """Checks that no sidecar of another host runs, by the life signs in the catalogue. Those of
    this host are kept off by the lock of its volume.

    Raises:
        BackupRefused: one does, or was killed less than a minute ago.
    """
    here = host_name(data_dir)
    others = sorted({each.host for each in catalogue.readers.seen(SEEN_S)} - {here})
    if others:
        raise BackupRefused(
            f"a sidecar runs on {', '.join(others)}: stop the sidecars and workers of all hosts "
            f"first; one that was killed counts as gone {SEEN_S:.0f} s later"
        )


@dataclass(frozen=True)
class Shared:
    """What this host follows; None where INDEX_STORE is empty."""

    index: Sharing | None
    versions: VersionFollower | None = None


def unshare(
    catalogue: Catalogue, generations: GenerationStore, shared: Shared, data_dir: Path
) -> int | None:
    """Makes this host the only one again: its index is its own, and the store is not followed.

    Returns:
        the number of the generation that this host has; None where it has none.
    Raises:
        BackupRefused: INDEX_STORE is empty, or another host or a task still runs.
        IndexDamaged: no generation of this host can be opened; nothing was changed.
    """
    if shared.index is None:
        raise BackupRefused("INDEX_STORE is empty: leave it as it was until this has ended")
    check_gone(catalogue, data_dir)
    task = catalogue.tasks.unfinished([*TaskKind])
    if task is not None and task.state == TaskState.RUNNING:
        raise BackupRefused(f"the task {task.task_id} is running: wait for it, or cancel it")
    try:
        shared.index.follower.catch_up()
    except (SimilarityError, OSError) as error:  # an older generation will do, and so will none
        print(f"the newest index could not be fetched: {error}", file=sys.stderr)
    if shared.versions is not None:
        shared.versions.catch_up()
        for version, why in shared.versions.trouble.items():
            print(f"version {version} of the model: {why}", file=sys.stderr)
    try:
        number = generations.current().number
    except NoIndex:
        number = None
    with catalogue.writing() as transaction:
        transaction.generations.forget()
        transaction.shared_versions.forget()
    return number
