"""The objects of PICTURES_STORE: canonical JPEGs and uploads, each under a name of its own.

    1b5c7a90/pictures/ab/abcd…-1f2e3d4c     the catalogue's folder; the SHA-256 of what the object
                                            holds, and a random word

By the SHA-256 anybody can check one. By the word no two rows ever name the same object: to delete
one row's takes nothing from another that is being added at this moment.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, partial
from typing import TypeVar

from sidecar.errors import PicturesStoreUnavailable
from sidecar.objects import PICTURES, Breaker, Listed, open_store
from sidecar.telemetry import timings

JPEGS, UPLOADS = "pictures", "originals"  # the kinds: the tables that name them
LOOKED_FOR = "look"  # the name of an empty object, if there is one
ROUND_S = 5.0  # between two looks whether the store is there
AT_ONCE = 16  # requests of a process, for what asks for many
WORD_BYTES = 4
FOLDERS = [f"{kind}/{number:02x}/" for kind in (JPEGS, UPLOADS) for number in range(256)]
NAME = re.compile(r"[0-9a-f]{8}/[a-z]+/[0-9a-f]{2}/[0-9a-f]{64}-[0-9a-f]{8}")

Content = tuple[bytes, str | None]  # of a row: the bytes, or the name of the object with them

A = TypeVar("A")
B = TypeVar("B")


class PictureObjects:
    """Reads and writes objects, one in the thread that asks, and many side by side.

    Each call raises PicturesStoreUnavailable where the store can't be reached or refuses.

    Attributes:
        folder: of the catalogue in the store: new objects lie there, and no others are listed.
    """

    def __init__(self, url: str = "") -> None:
        """Reaches for nothing, and loads nothing: a process may fork after this.

        Args:
            url: PICTURES_STORE; empty keeps all bytes in their rows.
        """
        self.url = url
        self.folder = ""  # until the catalogue is open

    @property
    def is_used(self) -> bool:
        """Whether new bytes become objects."""
        return bool(self.url)

    def put(self, kind: str, content: bytes) -> str:
        """Writes an object and returns its name; then it is on the store's disk."""
        sha256 = hashlib.sha256(content).hexdigest()
        word = secrets.token_hex(WORD_BYTES)
        name = f"{self.folder}/{kind}/{sha256[:2]}/{sha256}-{word}"
        self._store.put(name, content)
        return name

    def put_all(self, contents: Sequence[tuple[str, bytes]]) -> list[str]:
        """Writes objects of kinds, and returns their names in this order: all of them or none, as
        far as the store lets those be deleted that were written."""
        done: list[str] = []

        def put(content: tuple[str, bytes]) -> str:
            name = self.put(*content)
            done.append(name)
            return name

        try:
            return self._each(put, contents)
        except PicturesStoreUnavailable:
            self.try_delete(done)
            raise

    def read(self, content: Content) -> bytes | None:
        """Returns the bytes of a row; None where its object is missing."""
        return self.read_all([content])[0]

    def read_all(self, contents: Sequence[Content]) -> list[bytes | None]:
        """Returns the bytes of rows, in their order; None for each whose object is missing."""
        return self._of_each(contents, lambda name: b"".join(self._store.read(name)))

    def heads(self, contents: Sequence[Content], length: int) -> list[bytes]:
        """Returns the first bytes of rows, at most `length`; none where an object is missing."""
        found = self._of_each(contents, lambda name: self._store.begins(name, length))
        return [(each or b"")[:length] for each in found]

    def delete(self, names: Sequence[str]) -> None:
        """Deletes objects; one that is gone already is no error."""
        self._each(lambda name: self._store.delete([name]), names)

    def try_delete(self, names: Sequence[str]) -> None:
        """Deletes objects that no row names, as far as the store can be reached: `repair` finds
        what is left."""
        if names:
            with suppress(PicturesStoreUnavailable):
                self.delete(names)

    def search(self, of_folder: Callable[[dict[str, Listed]], A]) -> Iterator[A]:
        """Lists all objects of the catalogue, folder by folder, and yields what is made of each
        folder's."""

        def look(folder: str) -> A:
            listed = self._store.listed(f"{self.folder}/{folder}")
            return of_folder({name: each for name, each in listed.items() if NAME.fullmatch(name)})

        yield from self._pool.map(look, FOLDERS)

    @property
    def trouble(self) -> str | None:
        """Why the store did not do what it was asked last; None where it did."""
        return self._store.trouble if "_store" in self.__dict__ else None

    def look(self) -> None:
        """Asks the store whether it is there, and whether it can be written where it could not."""
        self._store.look(f"{self.folder}/{LOOKED_FOR}")

    def close(self) -> None:
        """Ends the threads, if there are any."""
        if "_pool" in self.__dict__:
            self._pool.shutdown(cancel_futures=True)

    def _of_each(
        self, contents: Sequence[Content], read: Callable[[str], bytes]
    ) -> list[bytes | None]:
        """Returns the bytes of rows that have them, and what is read of the objects of others."""

        def read_or_none(name: str) -> bytes | None:
            try:
                return read(name)
            except FileNotFoundError:
                return None

        named = [name for _, name in contents if name is not None]
        found = iter(self._each(read_or_none, named) if named else [])
        return [bytes(blob) if name is None else next(found) for blob, name in contents]

    @timings.stage("store")
    def _each(self, act: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """Does one thing in this thread, and many side by side; all have ended when it returns or
        raises."""
        if len(items) == 1:
            return [act(items[0])]
        futures = [self._pool.submit(partial(act, item)) for item in items]
        errors = [error for error in (future.exception() for future in futures) if error]
        if errors:
            raise errors[0]
        return [future.result() for future in futures]

    @cached_property
    def _store(self) -> Breaker:
        if not self.url:
            raise PicturesStoreUnavailable("PICTURES_STORE is empty, and the image is in a store")
        return Breaker(open_store(self.url, PICTURES), PICTURES)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(AT_ONCE, "pictures")


def names_of(objects: Iterable[str | None]) -> list[str]:
    """Returns those that are names."""
    return [name for name in objects if name is not None]
