"""Backups in a bucket: the files of a backup as objects, and a list of them that is written last.

    backup:   a copy in DATA_DIR ──► its files, each hashed on its way ──► backup.json
    restore:  backup.json ──► each file, its SHA-256 checked ──► restored as from a folder

What has no backup.json was cut off, or is still being written, and is not restored. The files have
the names that they have in a folder: fetched by any tool, they are a backup there.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sidecar.catalogue import BackupMade
from sidecar.errors import BackupRefused, SimilarityError
from sidecar.objects import (
    BACKUP,
    FileDigest,
    ObjectStore,
    WrongContent,
    download,
    open_store,
)
from sidecar.operations.backup import Backups, Report
from sidecar.operations.scratch import check_room, scratch

MANIFEST = "backup.json"
FORMAT = 1


@dataclass(frozen=True)
class RemoteBackups:
    """Makes and restores copies in a bucket.

    Args:
        backups: the same in folders.
        data_dir: where a copy lies on its way.
        on_its_way: gets the name of a file, and how many of its bytes have gone or come.
    """

    backups: Backups
    data_dir: Path
    on_its_way: Report

    def backup(self, url: str, report: Report) -> BackupMade:
        """Copies everything, as it is at one moment, below a prefix where nothing is.

        Returns:
            as `Backups.backup`.
        Raises:
            BackupRefused: there is something, or the store can't be reached or refuses.
            StorageFull, CatalogueUnavailable, IndexDamaged: there is no backup.
        """
        store = open_store(url, BACKUP)
        if not store.is_empty():
            raise BackupRefused(f"{url} is not empty{_why(store)}: name another prefix")
        catalogue = self.backups.catalogue
        size = catalogue.bytes_used() + catalogue.bytes_in_store()
        check_room(self.data_dir, size, "to send a backup")
        with scratch(self.data_dir) as folder:
            made = self.backups.backup(folder / "copy", report)
            self._send(folder / "copy", store, made)
        return made

    def restore(self, url: str, report: Report) -> None:
        """Fills an empty catalogue, and its index, from a backup; all of it or nothing.

        Raises:
            BackupRefused: there is no whole backup, the store can't be reached or refuses, or there
                are images already.
            StorageFull, CatalogueUnavailable, IndexDamaged: nothing was restored.
        """
        store = open_store(url, BACKUP)
        self.backups.check_empty()
        files = _listed(store, url)
        size = sum(digest.bytes for digest in files.values())
        check_room(self.data_dir, size, "to fetch the backup")
        with scratch(self.data_dir) as folder:
            for name, digest in files.items():
                self._fetch(store, url, name, digest, folder / "copy")
            self.backups.restore(folder / "copy", report, keep=False)

    def _send(self, folder: Path, store: ObjectStore, made: BackupMade) -> None:
        sent: dict[str, Any] = {}
        try:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                name = path.relative_to(folder).as_posix()
                sent[name] = None
                sent[name] = asdict(self._sent(store, name, path))
            text = {"format": FORMAT, **asdict(made), "files": sent}
            store.put(MANIFEST, json.dumps(text, indent=1).encode())
        except BaseException:  # also Ctrl-C: what is left would be in the way of the next one
            with suppress(SimilarityError):
                store.delete(sent)
            raise

    def _sent(self, store: ObjectStore, name: str, path: Path) -> FileDigest:
        hashed, count = hashlib.sha256(), _counter(name, self.on_its_way)

        def passed(piece: bytes) -> None:
            hashed.update(piece)
            count(piece)

        store.put(name, path, passed)
        return FileDigest(path.stat().st_size, hashed.hexdigest())

    def _fetch(
        self, store: ObjectStore, url: str, name: str, digest: FileDigest, folder: Path
    ) -> None:
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise BackupRefused(f"{url} is no backup: {MANIFEST} names {name!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            download(store, name, digest, target, _counter(name, self.on_its_way))
        except FileNotFoundError as error:
            raise BackupRefused(f"{url} is damaged: {name} is missing") from error
        except WrongContent as error:
            raise BackupRefused(f"{url} is damaged: {name} is not what was backed up") from error


def _counter(name: str, report: Report) -> Callable[[bytes], None]:
    done = 0

    def count(piece: bytes) -> None:
        nonlocal done
        done += len(piece)
        report(name, done)

    return count


def _why(store: ObjectStore) -> str:
    """Says what it is that is there, where that is known."""
    try:
        b"".join(store.read(MANIFEST))
    except FileNotFoundError:
        return "; if it is a backup, it was cut off half-way, or is still being written"
    return ", it holds a backup"


def _listed(store: ObjectStore, url: str) -> dict[str, FileDigest]:
    """Returns the files of a backup by their names."""
    try:
        text = json.loads(b"".join(store.read(MANIFEST)))
        if text["format"] != FORMAT:
            raise BackupRefused(f"{url} was made by a newer release")
        return {name: FileDigest(**digest) for name, digest in text["files"].items()}
    except FileNotFoundError as error:
        if store.is_empty():
            raise BackupRefused(f"{url} is no backup: there is nothing") from error
        raise BackupRefused(
            f"{url} is no whole backup: it has no {MANIFEST}; it was cut off half-way, or is "
            "still being written"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BackupRefused(f"{url} is damaged: {MANIFEST} can't be read") from error
