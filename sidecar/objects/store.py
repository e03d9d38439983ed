"""What a store of objects does, and what one is for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sidecar.errors import (
    BackupRefused,
    IndexStoreUnavailable,
    PicturesStoreUnavailable,
    SimilarityError,
)

Passed = Callable[[bytes], object]  # called with each piece of a file that is written


@dataclass(frozen=True)
class Use:
    """What a store is for.

    Args:
        setting: that names it; empty where a command does.
        error: what is raised where it can't be reached or refuses.
        trying_s: for which a call is tried again before it is raised.
        silence_s: without a byte of an answer, after which one that reads is given up.
        writing_s: for one request that writes, of 16 MB at most: no answer comes before its end, so
            that a slow line and a store that hangs look alike.
    """

    setting: str
    error: type[SimilarityError]
    trying_s: float = 30.0
    silence_s: float = 30.0
    writing_s: float = 120.0

    def of(self, url: str) -> str:
        """Returns how an error names the store."""
        return f"{self.setting}={url}" if self.setting else url


INDEX = Use("INDEX_STORE", IndexStoreUnavailable)
# A client waits for the answer, and may send its request again.
PICTURES = Use("PICTURES_STORE", PicturesStoreUnavailable, 5.0, silence_s=5.0, writing_s=10.0)
BACKUP = Use("", BackupRefused)


def quiet(_: bytes) -> None:
    """Nobody counts."""


@dataclass(frozen=True)
class Listed:
    """An object as a listing has it: its size, and when it was last written, in seconds since 1970
    by the store's clock."""

    bytes: int
    modified_at: float


class ObjectStore(Protocol):
    """Keeps objects. A name is a path such as `files/ab12`; an object is there whole or not at all,
    and is on the store's disk when `put` returns.

    Each call raises the error of its use where the store can't be reached or refuses.
    """

    def put(self, name: str, content: Path | bytes, passed: Passed = quiet) -> None:
        """Writes an object, from a file or from memory, over one of the same name.

        Args:
            passed: called with each piece of a file, in their order; what it raises ends it.
        """

    def read(self, name: str) -> Iterator[bytes]:
        """Yields the bytes of an object, some at a time. Raises FileNotFoundError: there is none
        of this name."""

    def begins(self, name: str, length: int) -> bytes:
        """Returns the first bytes of an object, at most `length`; errors as `read`."""

    def listed(self, prefix: str) -> dict[str, Listed]:
        """Returns every object whose name begins with a prefix that ends with a slash."""

    def is_empty(self) -> bool:
        """Says whether there is no object at all."""

    def delete(self, names: Iterable[str]) -> None:
        """Removes objects; one that is gone already is no error."""
