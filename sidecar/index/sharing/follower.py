"""The index of a host follows the catalogue, which says which generation of the store is searched.

    a row changes ──► fetch beside the others ──► rename ──► CURRENT ──► each process opens it

One process of a host fetches at a time, by a lock that ends with the process. A draft is fetched
as soon as it is announced, so that an upgrade can wait until all have it open.
"""

import logging
import time
from contextlib import suppress
from pathlib import Path

from sidecar.catalogue import Generations, Shared
from sidecar.errors import IndexDamaged, NoIndex, SimilarityError
from sidecar.index import current_file
from sidecar.index.meta import digest_of
from sidecar.index.sharing import host_files
from sidecar.index.sharing.fetching import fetch
from sidecar.index.sharing.host_files import COMING, FETCHED
from sidecar.index.sharing.remote import SHORT, Remote
from sidecar.index.store import GenerationStore
from sidecar.index.writer import DRAFT

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 4.0)  # before the second try, and at most: what has come to the store is had soon


class Follower:
    """Brings what the catalogue says into the folder of this host.

    Attributes:
        trouble: why the last try failed; None where it did not.
        number: of the generation that is to be searched, when last looked; None for none.
        has_looked: whether that is known yet.
    """

    def __init__(self, generations: GenerationStore, shared: Generations, remote: Remote) -> None:
        self.trouble: str | None = None
        self.number: int | None = None
        self.has_looked = False
        self._generations = generations
        self._shared = shared
        self._remote = remote
        self._done: list[Shared] | None = None
        self._next_try = (0.0, PAUSES_S[0])  # when, by time.monotonic, and the pause after it

    def look(self) -> None:
        """Runs one round of a process; returns at once where there is nothing to do, or another
        process of this host does it.

        Raises:
            SimilarityError, OSError: of this try; after a failure the next ones wait for longer.
        """
        rows = self._shared.all()
        current = _current(rows)
        self.number = current.number if current and current.digest else None
        self.has_looked = True
        is_sound = current is None or not self._generations.is_damaged(current.number)
        if (rows == self._done and is_sound) or time.monotonic() < self._next_try[0]:
            return
        with host_files.alone(self._generations.folder, wait=False) as is_alone:
            if is_alone:
                self._try(rows)

    def catch_up(self, every: bool = False) -> None:
        """Waits for other processes of this host, and returns when it has what is searched.

        Args:
            every: whether to have all other generations of the store, too.
        Raises:
            SimilarityError, OSError: it can't be had.
        """
        with host_files.alone(self._generations.folder, wait=True):
            rows = self._shared.all()
            self._try(rows)
            for row in rows if every else ():
                if row.is_published and row.digest is not None:
                    self._take(row)

    def _try(self, rows: list[Shared]) -> None:
        try:
            is_done = self._follow(rows)
        except (SimilarityError, OSError) as error:
            if self.trouble != str(error):
                log.error("this host keeps the index that it has: %s", error)
            self.trouble = str(error)
            self._pause()
            raise
        self.trouble = None
        if is_done:
            self._done, self._next_try = rows, (0.0, PAUSES_S[0])
        else:
            self._pause()

    def _pause(self) -> None:
        pause_s = self._next_try[1]
        self._next_try = (time.monotonic() + pause_s, min(2 * pause_s, PAUSES_S[1]))

    def _follow(self, rows: list[Shared]) -> bool:
        """Returns whether nothing is left to do until the rows change."""
        current = _current(rows)
        if current is not None:
            if current.digest is None:
                host_files.drop(self._generations, current.number)
            else:
                self._make_current(current)
        draft = rows[-1] if rows and not rows[-1].is_published else None
        is_here = draft is None or self._take_draft(draft)
        if current is not None:
            digests = {row.number: row.digest for row in rows}
            stays = self._draft(draft) if draft is not None else None
            host_files.trim(self._generations, current.number, digests, stays)
        return is_here

    def _make_current(self, row: Shared) -> None:
        is_new = self._take(row)
        with suppress(NoIndex, IndexDamaged):
            if not is_new and self._generations.current_number() == row.number:
                return
        current_file.write(self._generations.folder, row.number)
        log.info("generation %d of the index has come", row.number)

    def _take(self, row: Shared) -> bool:
        """Has a generation under its number; returns whether it has just come."""
        is_there = digest_of(self._generations.path(row.number)) == row.digest
        if is_there and not self._generations.is_damaged(row.number):
            return False
        fetched = self._draft(row)
        self._generations.take(fetched if fetched.exists() else self._fetched(row), row.number)
        return True

    def _take_draft(self, row: Shared) -> bool:
        """Fetches a draft, unless this host has made it; the draft itself is looked for first,
        since it is renamed to its number. Returns False while it is on its way to the store."""
        drafts = [*self._generations.folder.glob(f"{DRAFT}*"), self._generations.path(row.number)]
        if row.digest in map(digest_of, drafts):
            return True
        if not self._remote.is_whole(row):
            return False
        self._fetched(row).rename(self._draft(row))
        return True

    def _fetched(self, row: Shared) -> Path:
        """Fetches a generation into a folder that no process looks at, and returns that."""
        assert row.digest is not None
        folder = self._generations.folder / f"{COMING}{row.digest[:SHORT]}"
        here = self._generations.path(row.number)
        if digest_of(here) == row.digest:  # else it would not be fetched
            log.warning("generation %d is damaged here: what is, is fetched again", row.number)
            have = host_files.sound_files(here)
        else:
            have = host_files.files_of(self._generations)
        fetch(self._remote, row, folder, have)
        return folder

    def _draft(self, row: Shared) -> Path:
        assert row.digest is not None
        return self._generations.folder / f"{FETCHED}{row.digest[:SHORT]}"


def _current(rows: list[Shared]) -> Shared | None:
    """Returns the newest generation that is published; its digest may be None."""
    published = [row for row in rows if row.is_published]
    return published[-1] if published else None
