"""An image or an archive that comes through a pipe."""

import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from similarity_client.cli.sources import tars, zips
from similarity_client.cli.sources.kinds import HEAD_BYTES, Kind, kind_of
from similarity_client.cli.sources.part import Archive, Shared
from similarity_client.cli.sources.room import Room
from similarity_client.cli.sources.wanted import Wanted
from similarity_client.errors import ImageTooLarge
from similarity_client.photo import source
from similarity_client.upload import LARGEST_BYTES, Entry

PATH = Path("-")


def entries(file: BinaryIO, wanted: Wanted, room: Room) -> Iterator[Entry]:
    """Yields what comes: an image, whose name is its SHA-256, or the images of an archive. A zip is
    put into a temporary file first, since its list of names comes last.

    Raises:
        ArchiveReadingError: it is a damaged archive.
        ImageTooLarge: it has no end.
        OSError: it can't be read, or there is no room for a zip.
    """
    head = _exactly(file, HEAD_BYTES)
    whole = io.BufferedReader(_Again(head, file))
    kind = kind_of(head)
    if kind is Kind.IMAGE:
        yield _image(whole.read(LARGEST_BYTES + 1))
    elif kind is Kind.ZIP:
        spooled = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as a member is to be read
        archive = Archive(PATH, Shared(spooled))
        shutil.copyfileobj(whole, spooled)
        yield from zips.entries(archive, spooled.tell(), wanted)
    else:
        yield from tars.streamed(PATH, whole, wanted, room)


def _image(content: bytes) -> Entry:
    if len(content) > LARGEST_BYTES:
        raise ImageTooLarge("what comes is more than any service takes")
    name = hashlib.sha256(content).hexdigest()
    return Entry(PATH, Path(name), lambda: source(content))


def _exactly(file: BinaryIO, size: int) -> bytes:
    """Reads so many bytes, fewer only at the end: a pipe gives what there is."""
    head = b""
    while len(head) < size and (piece := file.read(size - len(head))):
        head += piece
    return head


class _Again(io.RawIOBase):
    """A file whose beginning was read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)
