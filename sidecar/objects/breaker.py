"""Circuit breakers before a store (Nygard, Release It!): what is away costs one caller its
patience, and not everybody who comes.

Requests each have a thread, and a store that hangs answers none of them for seconds: without this
they would soon have all threads, and nothing would be answered that needs no store.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sidecar.errors import SimilarityError
from sidecar.objects.store import Listed, ObjectStore, Passed, Use, quiet

TURN_S = 0.25  # that others wait for the one who tries


class Gate:
    """Lets everybody through; once a call has failed, one at a time, until one does not.

    The others wait for a moment, and then get the error of the one who tried last.

    Attributes:
        trouble: of the last call, while it failed.
    """

    def __init__(self, error: type[SimilarityError]) -> None:
        self._error = error
        self.trouble: str | None = None
        self._trying = threading.Lock()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Holds one call. Raises the error of the store without a call: it is not back yet."""
        tries = self._takes_turn()
        try:
            yield
            self.trouble = None
        except FileNotFoundError:  # which is an answer
            self.trouble = None
            raise
        except self._error as error:
            self.trouble = str(error)
            raise
        finally:
            if tries:
                self._trying.release()

    def _takes_turn(self) -> bool:
        """Waits for the turn to try, and returns whether it came; without trouble there is none."""
        if self.trouble is None:
            return False
        taken = self._trying.acquire(timeout=TURN_S)
        if (trouble := self.trouble) is None:  # who had it before has found the store back
            if taken:
                self._trying.release()
            return False
        if not taken:
            raise self._error(trouble)
        return True


class Breaker:
    """A store behind two gates: one that is full, or that may not be written, is read all the
    same."""

    def __init__(self, store: ObjectStore, use: Use) -> None:
        self._store = store
        self._reads, self._writes = Gate(use.error), Gate(use.error)

    @property
    def trouble(self) -> str | None:
        """Why the store did not do what it was asked last; None where it did."""
        return self._reads.trouble or self._writes.trouble

    def look(self, name: str) -> None:
        """Asks for an object, and writes an empty one of that name where a write failed last: so
        it is seen that the store is away, or back, though nobody needs it just now."""
        with suppress(FileNotFoundError):
            self.begins(name, 1)
        if self._writes.trouble is not None:
            self.put(name, b"")

    def put(self, name: str, content: Path | bytes, passed: Passed = quiet) -> None:
        with self._writes.passing():
            self._store.put(name, content, passed)

    def read(self, name: str) -> Iterator[bytes]:
        with self._reads.passing():
            yield from self._store.read(name)

    def begins(self, name: str, length: int) -> bytes:
        with self._reads.passing():
            return self._store.begins(name, length)

    def listed(self, prefix: str) -> dict[str, Listed]:
        with self._reads.passing():
            return self._store.listed(prefix)

    def delete(self, names: Iterable[str]) -> None:
        with self._writes.passing():
            self._store.delete(names)
