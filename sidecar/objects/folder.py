"""Objects as files of a folder, which may be one that several hosts share by a network file system:
a file is written beside, synced and renamed, and never changed after that."""

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sidecar.files import sync
from sidecar.objects.store import Listed, Passed, Use, quiet

PIECE = 1 << 20
COMING = ".coming-"  # before the name of a file that is being written


class FolderStore:
    """Keeps objects in a folder, which it makes."""

    def __init__(self, folder: Path, use: Use) -> None:
        self.folder, self._use = folder, use

    def put(self, name: str, content: Path | bytes, passed: Passed = quiet) -> None:
        path = self.folder / name
        coming = path.with_name(f"{COMING}{uuid.uuid4().hex}")
        with self._translated():
            _make(path.parent)
            try:
                if isinstance(content, Path):
                    _copy(content, coming, passed)
                else:
                    coming.write_bytes(content)
                sync(coming)
                coming.rename(path)
            finally:
                coming.unlink(missing_ok=True)
            sync(path.parent)

    def read(self, name: str) -> Iterator[bytes]:
        with self._translated(), (self.folder / name).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def begins(self, name: str, length: int) -> bytes:
        with self._translated(), (self.folder / name).open("rb") as file:
            return file.read(length)

    def listed(self, prefix: str) -> dict[str, Listed]:
        found: dict[str, Listed] = {}
        folder = self.folder / prefix
        with self._translated():
            for entry in os.scandir(folder) if folder.exists() else ():
                if not entry.name.startswith(COMING):
                    status = entry.stat()
                    found[prefix + entry.name] = Listed(status.st_size, status.st_mtime)
        return found

    def is_empty(self) -> bool:
        with self._translated():
            return not any(path.is_file() for path in self.folder.rglob("*"))

    def delete(self, names: Iterable[str]) -> None:
        with self._translated():
            for name in names:
                (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the errors of the file system into ours; what is missing stays a
        FileNotFoundError."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            where = self._use.setting or "the folder"
            raise self._use.error(f"{where}: {error}") from error


def _make(folder: Path) -> None:
    """Makes a folder and those above it; the names of new ones are on the disk."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def _copy(source: Path, target: Path, passed: Passed) -> None:
    with source.open("rb") as read, target.open("wb") as written:
        while piece := read.read(PIECE):
            written.write(piece)
            passed(piece)
