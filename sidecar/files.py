"""What is done with files everywhere: checksums, syncing, locks, and sizes for people."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

NETWORK = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "fuse.glusterfs", "ceph", "lustre"}
UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Returns when a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, wait: bool) -> Iterator[bool]:
    """Locks a file, which is made, for the block; the lock ends with the process. Gives whether it
    was had, which is certain where it is waited for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _flocked(handle, wait)
    finally:
        os.close(handle)


def _flocked(handle: int, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Runs the block while no other process that asks for its turn in this folder runs its own; at
    once where the folder is gone, or its file system has no locks."""
    with ExitStack() as life:
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            life.callback(os.close, handle)
            _flocked(handle, wait=True)
        yield


def network_file_system(folder: Path) -> str | None:
    """Returns the kind of network file system that a folder is on; None where it is on another."""
    kind = file_system(folder.resolve())
    return kind if kind in NETWORK else None


def file_system(folder: Path) -> str:
    """Returns the kind of file system that a folder is on, as /proc/self/mounts names it."""
    mounts = [line.split(" ")[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    over = [(len(point), kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(over, default=(0, "unknown"))[1]


def in_units(size_bytes: int) -> str:
    """Writes a size in the largest unit that divides it: 33,554,432 bytes are "32 MiB"."""
    for unit, factor in UNITS.items():
        if size_bytes >= factor and size_bytes % factor == 0:
            return f"{size_bytes // factor:,} {unit}"
    return f"{size_bytes:,} bytes"
