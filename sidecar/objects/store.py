"""What a store of objects does, and which one a setting names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from sidecar.errors import SettingsError
from sidecar.objects.folder import FolderStore

S3 = "s3://"
LIBRARY = "obstore"


@dataclass(frozen=True)
class Listed:
    """An object as a listing has it: its size, and when it was last written, in seconds since 1970
    by the store's clock."""

    bytes: int
    modified_at: float


class ObjectStore(Protocol):
    """Keeps objects. A name is a path such as `files/ab12`; an object is there whole or not at all,
    and is on the store's disk when `put` returns.

    Each call raises IndexStoreUnavailable where the store can't be reached or refuses.
    """

    def put(self, name: str, content: Path | bytes) -> None:
        """Writes an object, from a file or from memory, over one of the same name."""

    def read(self, name: str) -> Iterator[bytes]:
        """Yields the bytes of an object, some at a time. Raises FileNotFoundError: there is none
        of this name."""

    def listed(self, prefix: str) -> dict[str, Listed]:
        """Returns every object whose name begins with a prefix that ends with a slash."""

    def delete(self, names: Iterable[str]) -> None:
        """Removes objects; one that is gone already is no error."""


def open_store(url: str) -> ObjectStore:
    """Returns the store that INDEX_STORE names; reaches for nothing yet.

    Args:
        url: `s3://bucket/prefix`, `file:///path` or an absolute path.
    """
    if url.startswith(S3):
        from sidecar.objects.s3 import S3Store  # here: who keeps objects in a folder needs no S3

        return S3Store(url)
    return FolderStore(Path(unquote(urlsplit(url).path) if url.startswith("file:") else url))


def check(url: str) -> None:
    """Raises SettingsError where the library is missing that a store needs; loads nothing."""
    if url.startswith(S3) and find_spec(LIBRARY) is None:
        raise SettingsError(f"INDEX_STORE={url} needs {LIBRARY}: pip install 'similarity[s3]'")
