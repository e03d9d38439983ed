"""Versions of the model in an object store, as several hosts share them.

    version-files/<sha256>       a file of a version, named by what is in it
    versions/000002-<sha256>     a manifest: the names, sizes and SHA-256 of a version's files

Beside those of the index, under names of their own: neither sweeps what the other needs.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sidecar.catalogue import SharedVersion
from sidecar.errors import ModelRefused
from sidecar.files import sha256_of, sync
from sidecar.objects import FileDigest, ObjectStore, WrongContent, download, is_sound, sweep

FILES, MANIFESTS = "version-files/", "versions/"
GRACE_S = 3600.0  # younger objects may be of a publication that is under way
SHORT = 16  # hex digits of a digest in a name


@dataclass(frozen=True)
class RemoteVersions:
    """Writes versions into the store, reads them, and deletes them there."""

    objects: ObjectStore

    def upload(self, folder: Path, version: int, text: bytes) -> None:
        """Writes a version, its manifest last. What is there is written once more, since what no
        manifest named till now might be swept just then."""
        for name, digest in parsed(text).items():
            self.objects.put(FILES + digest.sha256, folder / name)
        self.objects.put(_manifest_name(version, digest_of(text)), text)

    def files(self, row: SharedVersion) -> dict[str, FileDigest]:
        """Returns the files of a version by their names.

        Raises:
            ModelRefused: its manifest is missing, or not what was published.
        """
        name = _manifest_name(row.version, row.digest)
        try:
            text = b"".join(self.objects.read(name))
        except FileNotFoundError as error:
            raise ModelRefused(f"the index store lacks {name}") from error
        if digest_of(text) != row.digest:
            raise ModelRefused(f"{name} in the index store is not what was published")
        return parsed(text)

    def fetch(self, row: SharedVersion, folder: Path) -> None:
        """Fills a folder, which an attempt before this one may have begun, and syncs it.

        Raises:
            ModelRefused: an object is missing, or not what was published.
            IndexStoreUnavailable, OSError: the next attempt goes on from there.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, digest in self.files(row).items():
            target = folder / name
            if Path(name).name != name:
                raise ModelRefused(f"the manifest of version {row.version} names {name!r}")
            if not target.exists() or sha256_of(target) != digest.sha256:
                self._download(name, digest, target)
        sync(folder)

    def problems(self, rows: Iterable[SharedVersion]) -> Iterable[str]:
        """Reads every object of the versions that are to be had, and yields a sentence for each
        that is missing or not what was published. Raises IndexStoreUnavailable."""
        for row in rows:
            if row.moved_to is not None:
                continue
            try:
                files = self.files(row)
            except ModelRefused as error:
                yield str(error)
                continue
            for name, digest in files.items():
                yield from self._damage(f"version {row.version}", name, digest)

    def sweep(self, rows: list[SharedVersion], may_go_on: Callable[[], bool]) -> int:
        """Deletes the objects of no version that is to be had, unless they are young.

        Args:
            may_go_on: asked before anything is deleted; where it says no, nothing is.
        Returns:
            how many were deleted.
        Raises:
            ModelRefused: a manifest can't be read, so it is not known what it names.
        """
        stays = set[str]()
        for row in rows:
            if row.moved_to is None:
                stays.add(_manifest_name(row.version, row.digest))
                stays |= {FILES + digest.sha256 for digest in self.files(row).values()}
        return sweep(self.objects, (MANIFESTS, FILES), stays, GRACE_S, may_go_on)

    def _download(self, name: str, digest: FileDigest, target: Path) -> None:
        wanted = FILES + digest.sha256
        try:
            download(self.objects, wanted, digest, target)
        except FileNotFoundError as error:
            raise ModelRefused(f"the index store lacks {wanted} ({name})") from error
        except WrongContent as error:
            raise ModelRefused(
                f"{wanted} in the index store is not what was published ({name})"
            ) from error

    def _damage(self, version: str, name: str, digest: FileDigest) -> Iterable[str]:
        wanted = FILES + digest.sha256
        try:
            if is_sound(self.objects, wanted, digest.sha256):
                return
        except FileNotFoundError:
            yield f"{version} in the index store: {name} is missing ({wanted})"
        else:
            yield f"{version} in the index store: {name} is not what was published ({wanted})"


def manifest(folder: Path) -> bytes:
    """Returns the manifest of a version's folder: the same for the same files under the same
    names, but for those whose names begin with a dot."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    files = {path.name: asdict(FileDigest(path.stat().st_size, sha256_of(path))) for path in paths}
    return json.dumps({"files": files}, indent=1, sort_keys=True).encode()


def parsed(text: bytes) -> dict[str, FileDigest]:
    """Returns what a manifest says, whose SHA-256 was checked."""
    return {name: FileDigest(**digest) for name, digest in json.loads(text)["files"].items()}


def digest_of(text: bytes) -> str:
    """Returns the SHA-256 of a manifest, hex."""
    return hashlib.sha256(text).hexdigest()


def _manifest_name(version: int, digest: str) -> str:
    return f"{MANIFESTS}{version:06d}-{digest[:SHORT]}.json"
