"""Generations of the index: folders that are written once, published at once, and never changed.

    index/CURRENT                the number of the generation that is searched, with its CRC-32
    index/000012/trained.faiss   the centres of lists, and what the codes stand for
                 lists.ivf       4-bit codes, which pick candidates; labels are sequence numbers
                 truth.npz       sample queries with their true neighbours
                 features-1.f16, features-65537.f16
                                 float16 [n, D] segments, which rank them, named by their first seq
                 seqs.i64        the catalogue's sequence number of each row, ascending
                 fields.columns  the metadata of its images, see `field_file`
                 keywords.u64    their keywords, see `postings`
                 unlabelled.i64  the sequence numbers of those whose keywords were not made yet
                 crcs.u32        the CRC-32 of each row, from the catalogue
                 meta.json       what it is, with the size and SHA-256 of each file

`writer` writes a generation beside the others; here it is renamed into place, and only then CURRENT
is replaced: a reader sees the old one or the new one, whole. A reader that still holds an old one
keeps its files, mapped, even when they have left the folder.
"""

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sidecar.errors import IndexAhead, IndexDamaged
from sidecar.files import sync
from sidecar.index import current_file
from sidecar.index.engine import Engine
from sidecar.index.generation import Generation
from sidecar.index.lineage import Lineage
from sidecar.index.local.engine import LocalEngine
from sidecar.index.meta import META, Meta
from sidecar.index.writer import DRAFT

log = logging.getLogger(__name__)

OLD = ".old-"  # what is being deleted


class GenerationStore:
    """Opens, publishes and drops the generations in the folder of the index."""

    def __init__(
        self, folder: Path, lineage: Lineage | None = None, engine: Engine | None = None
    ) -> None:
        """Touches nothing.

        Args:
            lineage: which generations fit the catalogue; without it, there is no catalogue beside
                them, and all do.
            engine: what keeps their features; without it, their folders do.
        """
        self.folder = folder
        self.engine: Engine = engine or LocalEngine()
        self._lineage = lineage
        self._opened: Generation | None = None
        self._ahead: dict[int, Meta] = {}  # newer than the catalogue, by number
        self._reported: set[tuple[int, type]] = set()  # what is wrong with which, logged once
        self._seen: tuple[int, int] | None = None
        self._opening = threading.Lock()
        # Which files of a number (see `_files`): found damaged by a search, and not to be opened.
        self._condemned: dict[int, tuple[int, str]] = {}
        self._failed: dict[int, int] = {}  # those that could not be opened when last tried
        self._upcoming: Generation | None = None

    def current(self) -> Generation:
        """Returns the generation to search in; a newly published one from the next call on.

        Raises:
            NoIndex: none was ever published.
            IndexAhead: the catalogue went back behind all of them.
            IndexDamaged: none that is left can be opened.
        """
        seen = current_file.seen(self.folder)
        opened = self._opened
        if opened is None or seen != self._seen:
            with self._opening:
                opened = self._opened
                if opened is None or seen != self._seen:
                    opened = self._opened = self._open()
                    self._seen = seen
        return opened

    def look_again(self) -> None:
        """Asks the catalogue again which generations fit it: it may have been replaced since, by an
        older copy or by the right one. Errors as `current`."""
        with self._opening:
            opened = self._opened
            if opened is None:
                return
            if self.fits(opened.meta) and not any(map(self.fits, self._ahead.values())):
                return
            self._opened = None  # should this fail
            self._opened = self._open(opened)

    def ahead(self) -> list[int]:
        """Returns the numbers of the generations that, when last looked, were made of more than the
        catalogue has. No search uses them, and the next publication clears them away."""
        return sorted(number for number in self._ahead if self.path(number).exists())

    def open(self, folder: Path) -> Generation:
        """Opens the generation or the sealed draft in a folder. Raises IndexDamaged."""
        return Generation(folder, self.engine)

    def fits(self, meta: Meta) -> bool:
        """Says whether the catalogue has all that a generation was made of."""
        return self._lineage is None or self._lineage.fits(meta)

    def misfit(self, number: int, meta: Meta) -> str | None:
        """Returns a sentence about a generation that does not fit, None where it fits."""
        if self._lineage is None or self._lineage.fits(meta):
            return None
        return self._lineage.misfit(f"{number:06d}", meta)

    def upcoming(self) -> Generation | None:
        """Opens the draft that is whole and waits to be published, if there is one.

        So no search waits for that when it is published.
        """
        for meta in self.folder.glob(f"{DRAFT}*/{META}"):
            with suppress(IndexDamaged):  # it was published or given up just now
                if self._upcoming is None or not self._upcoming.is_at(meta.parent):
                    self._upcoming = self.open(meta.parent)
            return self._upcoming
        self._upcoming = None  # else its files would keep their room when they are gone
        return None

    def newest_of(self, sha256: str) -> Generation | None:
        """Returns the newest generation of a model that is whole and fits the catalogue, if any is
        kept."""
        for number, meta in reversed(list(self._metas())):
            with suppress(IndexDamaged):
                if meta.sha256 == sha256 and self.fits(meta):
                    return self.open(self.path(number))
        return None

    def condemn(self, generation: Generation, error: IndexDamaged) -> None:
        """Stops searching a damaged generation: the one before takes its place."""
        log.error("%s", error)
        with self._opening:
            self._condemned[generation.number] = self._files(generation.number), str(error)
            if self._opened is generation:
                self._opened = None

    def is_damaged(self, number: int) -> bool:
        """Says whether a generation was found damaged here, and has not been replaced since."""
        files = self._files(number)
        return files != 0 and files in (self._failed.get(number), self._condemnation(number)[0])

    def publish(self, draft: Path, keep: int) -> int:
        """Makes a sealed draft the current generation, and clears away those that do not fit the
        catalogue.

        Args:
            keep: generations that stay in the folder, the new one among them. The newest of each
                other model stays besides.
        Returns:
            its number.
        """
        number = 1 + max(self.numbers(), default=0)
        misfits = [each for each, meta in self._metas() if not self.fits(meta)]
        self.put(draft, number)
        for misfit in misfits:
            shutil.rmtree(self.path(misfit))
        newest = {sha256: each for each, sha256 in self.models().items()}
        for old in self.numbers()[:-keep]:
            if old not in newest.values():
                shutil.rmtree(self.path(old))
        return number

    def discard(self, sha256: str) -> None:
        """Drops the generations of a model."""
        for number, model in self.models().items():
            if model == sha256:
                shutil.rmtree(self.path(number))

    def models(self) -> dict[int, str]:
        """Returns the SHA-256 of each generation's model, by number, but for damaged ones."""
        return {number: meta.sha256 for number, meta in self._metas()}

    def put(self, folder: Path, number: int) -> None:
        """Makes a folder that is on the disk the current generation, under this number."""
        folder.rename(self.path(number))
        sync(self.folder)
        current_file.write(self.folder, number)

    def take(self, folder: Path, number: int) -> None:
        """Gives a folder that is on the disk a number, in place of one that has it; CURRENT stays
        as it is."""
        path = self.path(number)
        if path.exists():
            shelved = path.with_name(f"{OLD}{path.name}")
            shutil.rmtree(shelved, ignore_errors=True)  # of a process that was killed
            path.rename(shelved)
            shutil.rmtree(shelved)
        folder.rename(path)
        sync(self.folder)

    def current_number(self) -> int:
        """Returns the number in CURRENT.

        Raises:
            NoIndex: there is none.
            IndexDamaged: it is not what was written.
        """
        return current_file.read(self.folder)

    def numbers(self) -> list[int]:
        """Returns the numbers of the generations in the folder, ascending."""
        if not self.folder.exists():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())

    def path(self, number: int) -> Path:
        """Returns the folder of a generation."""
        return self.folder / f"{number:06d}"

    def bytes_used(self) -> int:
        """Returns the bytes of all files in the folder; one that generations share counts once."""
        status = [path.stat() for path in self.folder.rglob("*") if path.is_file()]
        return sum({each.st_ino: each.st_size for each in status}.values())

    def _metas(self) -> Iterator[tuple[int, Meta]]:
        """Yields what is said of each generation, but for damaged ones."""
        for number in self.numbers():
            with suppress(OSError, ValueError):
                yield number, Meta.read(self.path(number))

    def _open(self, opened: Generation | None = None) -> Generation:
        """Opens the current generation, or another one where it is replaced, damaged or ahead of
        the catalogue; `opened` is one that is open already."""
        while True:
            current = self._newest()
            try:
                return self._open_from(current, opened)
            except (IndexDamaged, IndexAhead):
                if current == self._newest():
                    raise  # else it was only replaced, and cleared away, in between

    def _newest(self) -> int:
        """Returns the number in CURRENT; where that is damaged, the largest in the folder."""
        try:
            return self.current_number()
        except IndexDamaged as error:
            log.error("%s", error)
            return max(self.numbers(), default=0)

    def _open_from(self, current: int, opened: Generation | None) -> Generation:
        """Opens the current generation, or where it is damaged or ahead of the catalogue the newest
        one before it."""
        troubles: list[IndexDamaged | IndexAhead] = []
        self._ahead = {}
        for number in reversed([each for each in self.numbers() if each <= current]):
            try:
                return self._open_one(number, opened)
            except (IndexDamaged, IndexAhead) as error:
                self._report(number, error)
                troubles.append(error)
        ahead = [each for each in troubles if isinstance(each, IndexAhead)]
        if ahead:
            raise IndexAhead(f"{ahead[0]}: train again")
        damage = "; ".join(map(str, troubles))
        raise IndexDamaged(damage or f"generation {current} of the index is missing")

    def _open_one(self, number: int, opened: Generation | None) -> Generation:
        """Opens a generation. Raises IndexDamaged, and IndexAhead where it does not fit."""
        files, damage = self._condemnation(number)
        if damage and files == self._files(number):
            raise IndexDamaged(damage)
        try:
            generation = self._open_whole(number, opened)
        except IndexDamaged:
            self._failed[number] = self._files(number)
            raise
        self._failed.pop(number, None)
        return generation

    def _open_whole(self, number: int, opened: Generation | None) -> Generation:
        folder = self.path(number)
        meta = Generation.meta_of(folder)
        misfit = self.misfit(number, meta)
        if misfit is not None:
            self._ahead[number] = meta
            raise IndexAhead(misfit)
        for each in (opened, self._upcoming):
            if each is not None and each.meta == meta:
                return each if each.folder == folder else each.moved_to(folder)
        return self.open(folder)

    def _condemnation(self, number: int) -> tuple[int, str]:
        return self._condemned.get(number, (0, ""))

    def _files(self, number: int) -> int:
        """Returns what changes where a generation is replaced: the inode of its meta.json; 0 where
        that is missing."""
        try:
            return (self.path(number) / META).stat().st_ino
        except OSError:
            return 0

    def _report(self, number: int, error: IndexDamaged | IndexAhead) -> None:
        """Logs what is wrong with a generation, once."""
        if (number, type(error)) not in self._reported:
            self._reported.add((number, type(error)))
            log.error("%s", error)
