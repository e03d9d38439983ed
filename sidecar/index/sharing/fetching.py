"""A generation out of the object store into a folder: what this host has is linked, the rest comes
over the network, and nothing is used whose SHA-256 is another than the manifest's."""

import os
from collections.abc import Mapping
from pathlib import Path

from sidecar.catalogue import Shared
from sidecar.errors import IndexDamaged
from sidecar.files import sha256_of, sync
from sidecar.index.meta import META, Meta
from sidecar.index.sharing.remote import FILES, Remote
from sidecar.objects import FileDigest, WrongContent, download


def fetch(remote: Remote, row: Shared, folder: Path, have: Mapping[str, Path]) -> None:
    """Fills a folder, which an attempt before this one may have begun, and syncs it to the disk.

    Args:
        have: files of this host by their SHA-256, which was checked when they came.
    Raises:
        IndexDamaged: an object is missing, or not what was published.
        IndexStoreUnavailable, OSError: the store can't be read, or the folder not written. What has
            come stays, and the next attempt goes on from there.
    """
    text = remote.manifest(row)
    meta = Meta.parse(text)
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in meta.files.items():
        if Path(name).name != name:
            raise IndexDamaged(f"the manifest of generation {row.number} names {name!r}")
        _bring(remote, digest, folder / name, have.get(digest.sha256))
    (folder / META).write_bytes(text)
    for path in (folder / META, folder):
        sync(path)


def _bring(remote: Remote, digest: FileDigest, target: Path, here: Path | None) -> None:
    """Has a file at its place, by a link or over the network."""
    if target.exists():
        if target.stat().st_size == digest.bytes and sha256_of(target) == digest.sha256:
            return
        target.unlink()
    if here is not None and here.exists() and here.stat().st_size == digest.bytes:
        os.link(here, target)
        return
    _download(remote, digest, target)


def _download(remote: Remote, digest: FileDigest, target: Path) -> None:
    name = FILES + digest.sha256
    try:
        download(remote.objects, name, digest, target)
    except FileNotFoundError as error:
        raise IndexDamaged(f"the index store lacks {name} ({target.name})") from error
    except WrongContent as error:
        raise IndexDamaged(
            f"{name} in the index store is not what was published ({target.name})"
        ) from error
