"""Objects as files of a folder, which may be one that several hosts share by a network file system:
a file is written beside, synced and renamed, and never changed after that."""

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.errors import IndexStoreUnavailable
from sidecar.files import sync

if TYPE_CHECKING:
    from sidecar.objects.store import Listed

PIECE = 1 << 20
COMING = ".coming-"  # before the name of a file that is being written


class FolderStore:
    """Keeps objects in a folder, which it makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: Path | bytes) -> None:
        path = self._folder / name
        coming = path.with_name(f"{COMING}{uuid.uuid4().hex}")
        with _translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                if isinstance(content, Path):
                    shutil.copyfile(content, coming)
                else:
                    coming.write_bytes(content)
                sync(coming)
                coming.rename(path)
            finally:
                coming.unlink(missing_ok=True)
            sync(path.parent)

    def read(self, name: str) -> Iterator[bytes]:
        with _translated(), (self._folder / name).open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def listed(self, prefix: str) -> "dict[str, Listed]":
        from sidecar.objects.store import Listed

        found: dict[str, Listed] = {}
        folder = self._folder / prefix
        with _translated():
            for entry in os.scandir(folder) if folder.exists() else ():
                if not entry.name.startswith(COMING):
                    status = entry.stat()
                    found[prefix + entry.name] = Listed(status.st_size, status.st_mtime)
        return found

    def delete(self, names: Iterable[str]) -> None:
        with _translated():
            for name in names:
                (self._folder / name).unlink(missing_ok=True)


@contextmanager
def _translated() -> Iterator[None]:
    """Turns the errors of the file system into ours; what is missing stays a FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IndexStoreUnavailable(f"INDEX_STORE: {error}") from error
