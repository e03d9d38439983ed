"""The model repository of a host follows the catalogue, round after round.

One process of a host does so at a time. What becomes of each version `levelling` decides; what
could not be done is kept here, for those who ask, and tried again.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidecar.catalogue import Catalogue, SharedVersion, SharedVersions
from sidecar.errors import SimilarityError
from sidecar.files import locked
from sidecar.models import contract as contracts
from sidecar.models.known_versions import KnownVersions, stamp_of
from sidecar.models.levelling import OTHER_FILES, Levelling
from sidecar.models.remote_versions import RemoteVersions, digest_of, manifest
from sidecar.objects import open_store
from sidecar.settings import Settings

log = logging.getLogger(__name__)

ROUND_S = 2.0
LOCK = "versions.lock"
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
        levelling = Levelling(self.repository, self.shared, self.remote, self.host)
        by_number = {row.version: row for row in rows}
        trouble: dict[int, str] = {}
        for version in sorted({*by_number, *contracts.numbers(self.repository)}):
            try:
                levelling.settle(version, by_number.get(version), known.of(version))
            except (SimilarityError, OSError) as error:
                trouble[version] = " ".join(str(error).split())
        for version, why in trouble.items():
            if self.trouble.get(version) != why:
                log.error("version %d is not shared with the other hosts: %s", version, why)
        self.trouble = trouble
        known.write()

    def _stamps(self) -> dict[int, list[Any]]:
        numbers = contracts.numbers(self.repository)
        return {n: stamp_of(contracts.folder(self.repository, n)) for n in numbers}
