"""One version in the model repository of a host, held against the row that all hosts have of it.

    here, and no row        ──► its files into the store, then a row: it is one of all hosts
    a row, and not here     ──► fetched beside the others, checked, renamed: Triton can load it
    a row with other files  ──► named, and left alone: a number means one version
    a row that took it out  ──► moved to `rejected/` or `retired/`, as the worker did on its host

`config.pbtxt` stays the host's own: it says what hardware its Triton has.
"""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import SharedVersion, SharedVersions
from sidecar.errors import ModelRefused
from sidecar.files import sync
from sidecar.models import contract as contracts
from sidecar.models import version_files
from sidecar.models.known_versions import Known, stamp_of
from sidecar.models.put_away import RETIRED, put_away
from sidecar.models.remote_versions import SHORT, RemoteVersions, digest_of, manifest

log = logging.getLogger(__name__)

CONFIG = "config.pbtxt"
COMING = ".coming-"  # Triton takes no such folder for a version
OTHER_FILES = (
    "the model repository has other files under this number than {} has published for all hosts: "
    "give these another number, or remove them"
)


@dataclass(frozen=True)
class Levelling:
    """Brings single versions level; for who has the host's lock.

    Args:
        repository: the model repository.
        host: returns the name of this host.
    """

    repository: Path
    shared: SharedVersions
    remote: RemoteVersions
    host: Callable[[], str]

    def settle(self, version: int, row: SharedVersion | None, known: Known) -> None:
        """Does with a version what its row asks for; `known` is what this host remembers of it.

        Raises:
            ModelRefused: it has other files than its row, or is damaged, here or in the store.
            IndexStoreUnavailable, CatalogueUnavailable, OSError: the next round goes on from there.
        """
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
