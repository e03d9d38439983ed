"""Backup and restore: a copy of everything in a folder, made while the service runs.

    DEST/catalogue.sqlite      the whole catalogue, whichever database it came from, and the images
                               that are in PICTURES_STORE
    DEST/index/000012, CURRENT the generation that was searched at that moment

So a backup also moves a catalogue from SQLite to PostgreSQL or back.
"""

import errno
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import HOLDS_IMAGES, BackupMade, Catalogue, Transaction, open_catalogue
from sidecar.errors import (
    BackupRefused,
    IndexDamaged,
    IndexEngineUnavailable,
    NoIndex,
    StorageFull,
)
from sidecar.files import sync
from sidecar.index import Generation, GenerationStore, Lineage
from sidecar.index.writer import DRAFT

FILE = "catalogue.sqlite"
INDEX = "index"
TRIES = 5

Report = Callable[[str, int], None]


@dataclass(frozen=True)
class Backups:
    """Makes and restores copies of one catalogue and its index."""

    catalogue: Catalogue
    generations: GenerationStore

    def backup(self, dest: Path, report: Report) -> BackupMade:
        """Copies everything, as it is at one moment, into a folder that appears when it is whole.

        Args:
            dest: a path where nothing is, or an empty folder.
            report: gets each table and how many of its rows have been copied.
        Returns:
            of which moment it is, and how much it has.
        Raises:
            BackupRefused: there is something at `dest`, or it can't be written.
            StorageFull, CatalogueUnavailable, PicturesStoreUnavailable, IndexDamaged: there is no
                backup.
        """
        dest = dest.absolute()
        with _disk_errors(f"no backup was made at {dest}"):
            if dest.exists() and any(dest.iterdir()):
                raise BackupRefused(f"{dest} is not empty")
            dest.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{dest.name}-", dir=dest.parent) as folder:
                part = Path(folder, "part")
                made = self._fill(part, report)
                part.rename(dest)
            sync(dest.parent)
        return made

    def check_empty(self) -> None:
        """Raises BackupRefused where there are images already; `restore` looks again."""
        if self.catalogue.images.count():
            raise BackupRefused(HOLDS_IMAGES)

    def restore(self, source: Path, report: Report, keep: bool = True) -> None:
        """Fills an empty catalogue, and its index, from a backup; all of it or nothing.

        Args:
            keep: whether `source` has to stay as it is.
        Raises:
            BackupRefused: `source` is no backup, or there are images already.
            StorageFull, CatalogueUnavailable, PicturesStoreUnavailable, IndexDamaged: nothing was
                restored.
        """
        if not (source / FILE).is_file():
            raise BackupRefused(f"{source} is no backup: it has no {FILE}")
        index = self.generations.folder
        with _disk_errors("nothing was restored"):
            index.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=DRAFT, dir=index) as folder:
                self._restore(source, Path(folder), report, keep)

    def _fill(self, part: Path, report: Report) -> BackupMade:
        with self.catalogue.unnamed.held() as renew:

            def going_on(table: str, rows: int) -> None:
                renew()
                report(table, rows)

            return self._filled(part, going_on)

    def _filled(self, part: Path, report: Report) -> BackupMade:
        for _ in range(TRIES):
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            generation, at = self._current(), time.time()
            # A generation may be replaced and deleted while it is copied: then take the next one.
            with suppress(FileNotFoundError), self.catalogue.reading() as moment:
                moment.models.in_use()  # the first read decides which moment it is
                # The generation was current before that moment and after it, so the catalogue of
                # the moment knows all images that it holds, and has every tombstone it needs.
                if self._current() is generation:
                    # Unless the database was replaced by an older copy just now.
                    if generation is not None and Lineage(moment.marks).fits(generation.meta):
                        _copy_generation(generation, part / INDEX)
                    return BackupMade(at, self._copy_catalogue(moment, part, report))
        raise BackupRefused(f"the index was replaced during each of {TRIES} tries: try again")

    def _copy_catalogue(self, moment: Transaction, part: Path, report: Report) -> int:
        """Copies it, and returns how many images it has."""
        target = _open(part / FILE)
        try:
            with target.filling(moment, report):
                pass
            target.release_space()
            images = target.images.count()
        finally:
            target.close()
        sync(part / FILE)
        sync(part)
        return images

    def _restore(self, source: Path, folder: Path, report: Report, keep: bool) -> None:
        if keep:  # a copy is opened, since opening may migrate it
            shutil.copyfile(source / FILE, folder / FILE)
        else:
            shutil.move(source / FILE, folder / FILE)
        opened = _open(folder / FILE)
        try:
            index = GenerationStore(source / INDEX, Lineage(opened.marks))
            with opened.reading() as moment, self.catalogue.filling(moment, report):
                self._restore_index(index)
        finally:
            opened.close()

    def _restore_index(self, index: GenerationStore) -> None:
        """Puts a backup's index, if it has one, in place of one that holds no images."""
        for number in self.generations.numbers():
            shutil.rmtree(self.generations.path(number))
        with suppress(NoIndex):
            _copy_generation(index.current(), self.generations.folder)

    def _current(self) -> Generation | None:
        """Returns the generation that is copied: none where Milvus has its features, which the
        catalogue has as well."""
        try:
            current = self.generations.current()
        except (NoIndex, IndexEngineUnavailable):
            return None
        return current if current.meta.collection is None else None


def _copy_generation(generation: Generation, index: Path) -> None:
    """Copies a generation into another index, as its current one, and checks the copy."""
    copied = index / f"{DRAFT}copy"
    shutil.rmtree(copied, ignore_errors=True)  # of a try that failed half-way
    copied.mkdir(parents=True)
    for path in generation.folder.iterdir():
        shutil.copyfile(path, copied / path.name)
    for path in (*copied.iterdir(), copied):
        sync(path)
    copies = GenerationStore(index)
    for problem in copies.open(copied).damage():
        raise IndexDamaged(problem)
    copies.put(copied, generation.number)


def _open(file: Path) -> Catalogue:
    return open_catalogue(f"sqlite:///{file.absolute()}", lease_s=1)


@contextmanager
def _disk_errors(outcome: str) -> Iterator[None]:
    """Turns an OSError into ours, which begins with the outcome."""
    try:
        yield
    except OSError as error:
        kind = StorageFull if error.errno == errno.ENOSPC else BackupRefused
        raise kind(f"{outcome}: {error}") from error
