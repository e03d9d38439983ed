"""The two stages of an upload: the service is asked for files, then gets those it lacks."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from similarity_client import calls
from similarity_client.answers import Added
from similarity_client.errors import DuplicateImageId, SimilarityError
from similarity_client.exchange import Asks, Outcome
from similarity_client.photo import sha256_of
from similarity_client.request import Reply, Request
from similarity_client.upload.naming import IdFrom, id_of
from similarity_client.upload.report import Tally
from similarity_client.upload.width import Width

GROUP = 100  # files that are asked for at once
BUSY = {429, 503}
# Of one file alone: it is no image, too large, in use, or meets a bug. All else ends an upload.
OF_THE_FILE = {400, 409, 413, 500}

MetadataOf = Callable[[Path], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How files are uploaded.

    Args:
        resume: whether they are looked for on the service first.
        overwrite: whether an image that differs is replaced.
        metadata: what is said of each file; None says nothing.
    """

    resume: bool
    overwrite: bool
    id_from: IdFrom
    metadata: MetadataOf | None


@dataclass(frozen=True, slots=True)
class Named:
    """A file with its id, and with its SHA-256 where it was read."""

    path: Path
    id: str
    sha256: str | None


class Groups:
    """Groups of files out of an iterable that is read no faster than they are taken."""

    def __init__(self, paths: Iterable[Any]) -> None:
        self._paths = iter(paths)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[list[Path]]:
        while True:
            with self._lock:
                group = [Path(path) for path in islice(self._paths, GROUP)]
            if not group:
                return
            yield group


@dataclass(frozen=True, slots=True)
class Stages:
    """What is done with files; each method is called by many threads at once.

    Args:
        put: hands a file on that the service lacks, to be sent.
    """

    client: Asks
    plan: Plan
    tally: Tally
    width: Width
    put: Callable[[Named], None]

    def look(self, group: list[Path]) -> None:
        """Names the files of a group, and has those sent that the service lacks.

        Raises:
            SimilarityError: the service can't be asked.
        """
        named = [file for path in group if (file := self._named(path)) is not None]
        states = self._states(named)
        for file in named:
            state = states.get(file.id, "missing")
            if state == "same":
                self.tally.same(file.path)
            elif state == "other" and not self.plan.overwrite:
                detail = f"{file.id} is in use, by another image"
                self.tally.failed(file.path, DuplicateImageId(detail, status=409))
            else:
                self.put(file)

    def send(self, file: Named) -> None:
        """Adds a file.

        Raises:
            SimilarityError: the service can't take any file now.
        """
        with self.width.slot() as begun:
            if begun is None:
                return
            added = self._added(file, begun)
        if isinstance(added, Exception):
            self.tally.failed(file.path, added)
        elif added.identical:
            self.tally.same(file.path)
        else:
            self.tally.added(file.path)

    def _named(self, path: Path) -> Named | None:
        try:
            sha256 = sha256_of(path) if self.plan.resume else None
            return Named(path, id_of(path, self.plan.id_from, sha256), sha256)
        except (OSError, ValueError) as error:
            self.tally.failed(path, error)
            return None

    def _states(self, named: list[Named]) -> Mapping[str, str]:
        """Returns how files are stored, by id. What is wrong with an id, its own add says."""
        if not self.plan.resume or not named:
            return {}
        try:
            found = self.client.ask(calls.check({file.id: file.sha256 or "" for file in named}))
        except SimilarityError as error:
            if error.status != 400:
                raise
            half = len(named) // 2  # one id that is none has all of them refused
            return {**self._states(named[:half]), **self._states(named[half:])} if half else {}
        # Of two files with one id only the last was asked for: neither is known then.
        count = Counter(file.id for file in named)
        return {each.id: each.state for each in found.images if count[each.id] == 1}

    def _added(self, file: Named, begun: int) -> Added | Exception:
        """Returns what the service says, or why this file can't be added."""
        try:
            request = self._request(file)
        except (OSError, ValueError) as error:
            return error
        size = 0 if request.body is None else request.body.length

        def watch(outcome: Outcome) -> None:
            self.tally.sent(size)
            if isinstance(outcome, Reply) and outcome.status in BUSY:
                self.width.halve(begun)
            elif isinstance(outcome, Reply):
                self.width.grow()

        try:
            return self.client.ask(request, watch)
        except SimilarityError as error:
            if error.status not in OF_THE_FILE:
                raise
            return error

    def _request(self, file: Named) -> Request[Added]:
        said = None if self.plan.metadata is None else self.plan.metadata(file.path)
        return calls.add(file.path, file.id, overwrite=self.plan.overwrite, metadata=said)
