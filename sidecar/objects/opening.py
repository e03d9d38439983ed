"""Which kind of store a setting or a command names."""

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sidecar.errors import SettingsError
from sidecar.objects.folder import FolderStore
from sidecar.objects.store import INDEX, ObjectStore, Use

S3 = "s3://"
LIBRARY = "obstore"


def is_bucket(url: str) -> bool:
    """Says whether it is one that speaks S3; else it is a folder."""
    return url.startswith(S3)


def open_store(url: str, use: Use = INDEX) -> ObjectStore:
    """Returns a store; reaches for nothing yet.

    Args:
        url: `s3://bucket/prefix`, `file:///path` or an absolute path.
    """
    if is_bucket(url):
        from sidecar.objects.s3 import S3Store  # here: who keeps objects in a folder needs no S3

        return S3Store(url, use)
    return FolderStore(Path(unquote(urlsplit(url).path) if url.startswith("file:") else url), use)


def check(url: str, use: Use = INDEX) -> None:
    """Raises SettingsError where the library is missing that a store needs; loads nothing."""
    if is_bucket(url) and find_spec(LIBRARY) is None:
        raise SettingsError(f"{use.of(url)} needs {LIBRARY}: pip install 'similarity[s3]'")
