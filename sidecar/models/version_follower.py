"""The model repository of a host follows the catalogue, which says which versions all hosts have.

    here, and no row        ──► its files into the store, then a row: it is one of all hosts
    a row, and not here     ──► fetched beside the others, checked, renamed: Triton can load it
    a row with other files  ──► named, and left alone: a number means one version
    a row that took it out  ──► moved to `rejected/` or `retired/`, as the worker did on its host

One process of a host does so at a time. `config.pbtxt` stays the host's own: it says what hardware
its Triton has.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidecar.catalogue import Catalogue, SharedVersion, SharedVersions
from sidecar.errors import ModelRefused, SimilarityError
from sidecar.files import locked, sync
from sidecar.models import contract as contracts
from sidecar.models import version_files
from sidecar.models.known_versions import Known, KnownVersions, stamp_of
from sidecar.models.put_away import RETIRED, put_away
from sidecar.models.remote_versions import SHORT, RemoteVersions, digest_of, manifest
from sidecar.objects import open_store
from sidecar.settings import Settings

log = logging.getLogger(__name__)

ROUND_S = 2.0
CONFIG = "config.pbtxt"
LOCK = "versions.lock"
COMING = ".coming-"  # Triton takes no such folder for a version
OTHER_FILES = (
    "the model repository has other files under this number than {} has published for all hosts: "
    "give these another number, or remove them"
)
RETRY_S = 30.0  # after a round that failed, unless something has changed


@dataclass
class VersionFollower:
    """Brings what the catalogue says into the model repository of this host, and what this host has
    to the others.

    Args:
        repository: the model repository.
        host: returns the name of this host.

    Attributes:
        trouble: why a version is not the same here as on the other hosts, by number.
    """

    repository: Path
    data_dir: Path
    shared: SharedVersions
    remote: RemoteVersions
    host: Callable[[], str]
    trouble: dict[int, str] = field(default_factory=dict)
    _done: tuple[Any, Any] | None = None
    _next_try: float = 0.0

    @classmethod
    def of(
        cls, settings: Settings, catalogue: Catalogue, host: Callable[[], str]
    ) -> "VersionFollower | None":
        """Makes it; None where INDEX_STORE is empty. Reaches for nothing."""
        if not settings.index_store:
            return None
        remote = RemoteVersions(open_store(settings.index_store))
        shared, repository = catalogue.shared_versions, settings.model_repository
        return cls(repository, settings.data_dir, shared, remote, host)

    def look(self) -> None:
        """Runs one round of a process; returns at once where there is nothing to do, or another
        process of this host does it."""
        seen = (self.shared.all(), self._stamps())
        if seen == self._done and (not self.trouble or time.monotonic() < self._next_try):
            return
        with locked(self.data_dir / LOCK, wait=False) as is_alone:
            if is_alone:
                self._level(seen[0])
                self._done = (seen[0], self._stamps())
                self._next_try = time.monotonic() + RETRY_S

    def catch_up(self) -> None:
        """Waits for other processes of this host, and returns when it has what can be had."""
        with locked(self.data_dir / LOCK, wait=True):
            self._level(self.shared.all())

    def coming(self) -> dict[int, str]:
        """Returns the versions that other hosts have and this one lacks, with the reason where it
        can't have one."""
        here = {*contracts.numbers(self.repository)}
        lacking = [r for r in self.shared.all() if r.moved_to is None and r.version not in here]
        return {row.version: self._why(row) for row in lacking}

    def problems(self) -> Iterator[str]:
        """Yields a sentence for each object of a version that is not what was published, and for
        each version that is not the same here; changes nothing. Raises IndexStoreUnavailable."""
        rows = self.shared.all()
        yield from self.remote.problems(rows)
        here = {*contracts.numbers(self.repository)}
        for row in (row for row in rows if row.moved_to is None and row.version in here):
            folder = contracts.folder(self.repository, row.version)
            if digest_of(manifest(folder)) != row.digest:
                yield f"version {row.version}: {OTHER_FILES.format(row.host)}"

    def sweep(self) -> None:
        """Deletes from the store what no version needs any more."""
        rows = self.shared.all()
        deleted = self.remote.sweep(rows, lambda: self.shared.all() == rows)
        if deleted:
            log.info("%d objects that no version needs left the index store", deleted)

    def _why(self, row: SharedVersion) -> str:
        why = self.trouble.get(row.version, "it is being fetched")
        return f"version {row.version}, which {row.host} has published, is not here yet: {why}"

    def _level(self, rows: list[SharedVersion]) -> None:
        known = KnownVersions.read(self.data_dir)
        by_number = {row.version: row for row in rows}
        trouble: dict[int, str] = {}
        for version in sorted({*by_number, *contracts.numbers(self.repository)}):
            try:
                self._settle(version, by_number.get(version), known.of(version))
            except (SimilarityError, OSError) as error:
                trouble[version] = " ".join(str(error).split())
        for version, why in trouble.items():
            if self.trouble.get(version) != why:
                log.error("version %d is not shared with the other hosts: %s", version, why)
        self.trouble = trouble
        known.write()

    def _settle(self, version: int, row: SharedVersion | None, known: Known) -> None:
        folder = contracts.folder(self.repository, version)
        if folder.exists():
            self._identify(folder, known)
            if row is None:
                self._publish(version, folder, row)
            elif row.moved_to is None:
                self._compare(row, folder, known)
            elif self._is_new(row, known):
                self._publish(version, folder, row)
            else:
                self._take_out(row, row.moved_to)
                known.change = row.change
        elif row is not None and row.moved_to is None:
            self._fetch(row, folder, known)
        else:
            known.change = row.change if row else None

    def _compare(self, row: SharedVersion, folder: Path, known: Known) -> None:
        """Holds what is here against what all hosts have under the same number."""
        if row.digest == known.digest:
            known.is_level(row)
        elif known.digest == known.followed:  # taken out, and another published, while it was away
            self._take_out(row, RETIRED)
            self._fetch(row, folder, known)
        else:
            raise ModelRefused(OTHER_FILES.format(row.host))

    def _identify(self, folder: Path, known: Known) -> None:
        """Has the digest of a version's files, which are read where they have changed."""
        stamp = stamp_of(folder)
        if known.digest is None or known.stamp != stamp:
            known.digest, known.stamp = digest_of(manifest(folder)), stamp

    def _is_new(self, row: SharedVersion, known: Known) -> bool:
        """Says whether a version was put here after one of this number was taken out: it has other
        files, or this host had put it away."""
        return row.digest != known.digest or row.change == known.change

    def _publish(self, version: int, folder: Path, row: SharedVersion | None) -> None:
        version_files.read(self.repository, version)  # raises what is wrong with it
        text = manifest(folder)
        self.remote.upload(folder, version, text)
        if self.shared.publish(version, digest_of(text), self.host(), row):
            log.info("version %d is in the index store for all hosts", version)

    def _fetch(self, row: SharedVersion, folder: Path, known: Known) -> None:
        coming = folder.with_name(f"{COMING}{row.version}-{row.digest[:SHORT]}")
        self.remote.fetch(row, coming)
        coming.rename(folder)
        sync(folder.parent)
        known.stamp, known.digest = stamp_of(folder), row.digest
        known.is_level(row)
        log.info("version %d has come from %s", row.version, row.host)
        if not (folder.parent / CONFIG).exists():
            log.warning("%s is missing: Triton needs it, and it is each host's own", CONFIG)
        for left in folder.parent.glob(f"{COMING}{row.version}-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _take_out(self, row: SharedVersion, where: str) -> None:
        log.warning("another host has taken version %d out", row.version)
        put_away(self.repository, row.version, where)

    def _stamps(self) -> dict[int, list[Any]]:
        numbers = contracts.numbers(self.repository)
        return {n: stamp_of(contracts.folder(self.repository, n)) for n in numbers}
