"""The two stages of an upload: the service is asked for images, then gets those it lacks."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from similarity_client import calls
from similarity_client.calls.adding import store
from similarity_client.errors import (
    DuplicateImageId,
    ImageTooLarge,
    SimilarImage,
    SimilarityError,
)
from similarity_client.exchange import Asks, Outcome
from similarity_client.photo import Source, of_bytes
from similarity_client.request import Reply
from similarity_client.upload.entry import LARGEST_BYTES, Entry
from similarity_client.upload.plan import Plan
from similarity_client.upload.report import Tally
from similarity_client.upload.width import Width

BUSY = {429, 503}
# Of one image alone: it is none, too large, in use, or meets a bug. All else ends an upload.
OF_THE_FILE = {400, 409, 413, 500}
KEPT_BYTES = 128 << 10  # an image that stays in memory until it is sent; there are some 450 at most


@dataclass(frozen=True, slots=True)
class Named:
    """An image with its id, and with its SHA-256 and its bytes where it was read."""

    entry: Entry
    id: str
    sha256: str | None
    content: Source | None


@dataclass(frozen=True, slots=True)
class Stages:
    """What is done with images; each method is called by many threads at once.

    Args:
        put: hands images on that the service lacks, to be sent.
    """

    client: Asks
    plan: Plan
    tally: Tally
    width: Width
    put: Callable[[list[Named]], None]

    def look(self, group: list[Entry]) -> None:
        """Names the images of a group, and has those sent that the service lacks.

        Raises:
            SimilarityError: the service can't be asked.
        """
        named = [image for entry in group if (image := self._named(entry)) is not None]
        states, lacking = self._states(named), []
        for image in named:
            state = states.get(image.id, "missing")
            if state == "same":
                self.tally.same(image.entry, image.id)
            elif state == "other" and not self.plan.overwrite:
                detail = f"{image.id} is in use, by another image"
                self.tally.failed(image.entry, DuplicateImageId(detail, status=409), image.id)
            else:
                lacking.append(image)
        self.put(lacking)

    def send(self, image: Named) -> None:
        """Adds an image.

        Raises:
            SimilarityError: the service can't take any image now.
        """
        begun = self.width.begin()
        if begun is None:
            return
        try:
            identical = self._identical(image, begun)
        finally:
            self.width.end()
        if isinstance(identical, SimilarImage):
            self.tally.similar(image.entry, image.id, identical)
        elif isinstance(identical, Exception):
            self.tally.failed(image.entry, identical, image.id)
        elif identical:
            self.tally.same(image.entry, image.id)
        else:
            self.tally.added(image.entry, image.id)

    def _named(self, entry: Entry) -> Named | None:
        try:
            sha256, content = self._read(entry) if self.plan.resume else (None, None)
            return Named(entry, entry.id or self.plan.id_of(entry, sha256), sha256, content)
        except (OSError, ValueError, SimilarityError) as error:
            self.tally.failed(entry, error, entry.id)
            return None

    def _read(self, entry: Entry) -> tuple[str, Source | None]:
        """Returns the SHA-256 of an image, and its bytes where they are few."""
        found = _source(entry)
        if found.size <= KEPT_BYTES:
            content = found.read()
            if len(content) < found.size:
                raise OSError(f"{entry.path} became shorter while it was read")
            return hashlib.sha256(content).hexdigest(), of_bytes(content, found.name)
        digest = hashlib.sha256()
        for piece in found.pieces():
            digest.update(piece)
        return digest.hexdigest(), None

    def _states(self, named: list[Named]) -> Mapping[str, str]:
        """Returns how images are stored, by id. What is wrong with an id, its own add says."""
        if not self.plan.resume or not named:
            return {}
        try:
            asked = {image.id: image.sha256 or "" for image in named}
            found = self.client.ask(calls.check(asked))
        except SimilarityError as error:
            if error.status != 400:
                raise
            half = len(named) // 2  # one id that is none has all of them refused
            return {**self._states(named[:half]), **self._states(named[half:])} if half else {}
        # Of two images with one id only the last was asked for: neither is known then.
        count = Counter(image.id for image in named)
        return {each.id: each.state for each in found.images if count[each.id] == 1}

    def _identical(self, image: Named, begun: int) -> bool | Exception:
        """Returns whether an image was stored before, or why it can't be added."""
        try:
            photo = image.content or _source(image.entry)
            said = self.plan.said_of(image.entry, image.id)
            wanted = {"overwrite": self.plan.overwrite, "unique": self.plan.unique}
            request = store(photo, image.id, **wanted, metadata=said)
        except (OSError, ValueError, SimilarityError) as error:
            return error
        size = 0 if request.body is None else request.body.length

        def watch(outcome: Outcome) -> None:
            if isinstance(outcome, Reply) or outcome.begun:
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


def _source(entry: Entry) -> Source:
    found = entry.source()
    if found.size > LARGEST_BYTES:
        raise ImageTooLarge(f"{found.size:,} bytes are more than any service takes", status=413)
    return found
