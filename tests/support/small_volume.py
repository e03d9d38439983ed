"""Volumes that are soon full."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect

import pytest

NEEDS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="a small file system takes root"
)


@contextmanager
def small_volume(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of a few mebibytes on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)]
    subprocess.run(["mount", *options], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(volume: Path, left_bytes: int) -> Iterator[None]:
    """A volume with so much room left."""
    ballast = volume / "ballast"
    with ballast.open("wb") as file:
        while not _allocated(file.fileno(), _free(volume) - left_bytes):
            pass  # others write meanwhile
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def without_room(volume: Path) -> Iterator[None]:
    """Nothing can be written into the catalogue of a volume: that is full, and a reader (a backup,
    say) keeps the log from beginning anew."""
    with closing(connect(volume / "catalogue.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM tasks").fetchall()
        with filled(volume, 0):
            yield


def _free(volume: Path) -> int:
    status = os.statvfs(volume)
    return status.f_bavail * status.f_frsize


def _allocated(handle: int, size: int) -> bool:
    try:
        os.posix_fallocate(handle, 0, max(1, size))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return size <= 0
        raise
    return True
