"""What goes wrong with an archive or a member of one, in one line."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from similarity_client.errors import ArchiveReadingError
from similarity_client.photo import Source
from similarity_client.upload import Entry

# What the readers of archives raise where one is damaged.
DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error),
    *(OSError, ValueError, OverflowError, NotImplementedError, RuntimeError),
)


@contextmanager
def translated(what: object) -> Iterator[None]:
    """Translates what reading an archive raises.

    Raises:
        ArchiveReadingError: it is damaged, or of a kind that is not read.
    """
    try:
        yield
    except DAMAGE as error:
        why = str(error) or type(error).__name__
        raise ArchiveReadingError(f"{what} can't be read: {why}") from error


def inner_path(name: str) -> PurePosixPath:
    """Returns the path of a member within its archive.

    Raises:
        ArchiveReadingError: it leads out of it.
    """
    inner = PurePosixPath(name.replace("\\", "/"))
    if inner.is_absolute() or ".." in inner.parts or "\0" in name:
        raise ArchiveReadingError(f"{name!r} leads out of the archive")
    return inner


def reported(archive: Path, name: str) -> Path:
    """Returns the path by which a member is reported."""
    return archive / name.replace("\\", "/").lstrip("/")


def failing(path: Path, error: Exception) -> Entry:
    """Returns an entry that fails and gets no id, for the others to go on."""
    return Entry(path, Path(), raising(error))


def raising(error: Exception) -> Callable[[], Source]:
    """Returns the `source` of an entry that fails."""

    def source() -> Source:
        raise error

    return source
