"""Room in DATA_DIR for a copy on its way to or from a bucket."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.errors import BackupRefused, StorageFull

PREFIX = ".backup-"
LOCK = "lock"  # held as long as the process lives that uses the folder


@contextmanager
def scratch(data_dir: Path) -> Iterator[Path]:
    """Gives a folder that is gone after the block; those of killed processes go at its beginning.

    Raises:
        BackupRefused: DATA_DIR can't be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _clear(data_dir)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=data_dir))
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        raise BackupRefused(f"DATA_DIR={data_dir}: {error}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def check_room(data_dir: Path, needed_bytes: int, what_for: str) -> None:
    """Raises StorageFull where DATA_DIR has less room than is needed."""
    there = next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed_bytes > free:
        raise StorageFull(
            f"{what_for}, DATA_DIR={data_dir} needs about {needed_bytes / 1e6:.1f} MB, and has "
            f"{free / 1e6:.1f} MB free"
        )


def _clear(data_dir: Path) -> None:
    for folder in data_dir.glob(f"{PREFIX}*"):
        try:
            handle = os.open(folder / LOCK, os.O_RDWR)
        except OSError:  # one that has just been made
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # another backup is on its way
        finally:
            os.close(handle)
