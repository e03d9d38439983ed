"""Objects that are named by what is in them: nothing is used whose SHA-256 is another."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sidecar.objects.store import ObjectStore, Passed, quiet

PART = ".part"  # after the name of a file that is still coming


class WrongContent(Exception):
    """An object is not what was written."""


@dataclass(frozen=True)
class FileDigest:
    """The size and the SHA-256 of a file when it was written."""

    bytes: int
    sha256: str


def download(
    store: ObjectStore, name: str, digest: FileDigest, target: Path, passed: Passed = quiet
) -> None:
    """Writes an object into a file that appears when it is whole, and synced to the disk.

    Args:
        passed: called with each piece.
    Raises:
        FileNotFoundError: there is none of this name.
        WrongContent: it is another than `digest` says; there is no file.
    """
    part = target.with_name(target.name + PART)
    made, size = hashlib.sha256(), 0
    with part.open("wb") as file:
        for piece in store.read(name):
            made.update(piece)
            size += file.write(piece)
            passed(piece)
        file.flush()
        os.fsync(file.fileno())
    if (size, made.hexdigest()) != (digest.bytes, digest.sha256):
        part.unlink()
        raise WrongContent(name)
    part.rename(target)


def is_sound(store: ObjectStore, name: str, sha256: str) -> bool:
    """Reads an object and says whether it is what was written. Raises FileNotFoundError."""
    made = hashlib.sha256()
    for piece in store.read(name):
        made.update(piece)
    return made.hexdigest() == sha256


def sweep(
    store: ObjectStore,
    prefixes: Iterable[str],
    stays: set[str],
    grace_s: float,
    may_go_on: Callable[[], bool],
) -> int:
    """Deletes the objects under prefixes that are not to stay, unless they are young.

    Args:
        stays: their names.
        grace_s: seconds for which an object is young: what it belongs to may be under way.
        may_go_on: asked before anything is deleted; where it says no, nothing is.
    Returns:
        how many were deleted.
    """
    old = time.time() - grace_s
    there = {name: each for prefix in prefixes for name, each in store.listed(prefix).items()}
    names = [n for n, each in there.items() if n not in stays and each.modified_at < old]
    if not names or not may_go_on():
        return 0
    store.delete(names)
    return len(names)
