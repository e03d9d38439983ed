"""The images in a zip, each read where it lies; nothing is unpacked to the disk."""

import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from similarity_client.cli.sources.damage import failing, inner_path, reported, translated
from similarity_client.cli.sources.part import Archive, guarded
from similarity_client.cli.sources.wanted import Wanted
from similarity_client.cli.sources.zip_directory import members
from similarity_client.errors import ArchiveReadingError
from similarity_client.photo import Source
from similarity_client.upload import Entry

HEADER, HEADER_BYTES = b"PK\x03\x04", 30  # before a member
ENCRYPTED = 0x1
REGULAR = 0o10  # a file's type, where it was packed on Unix; 0 elsewhere


def entries(archive: Archive, size: int, wanted: Wanted) -> Iterator[Entry]:
    """Yields the images in a zip, in the order of its list of names.

    Args:
        size: of the archive, in bytes.
    Raises:
        ArchiveReadingError: the list is damaged.
    """
    with translated(archive.path):
        for member in members(archive, size):
            if not member.is_dir():
                yield from _entry(archive, member, wanted)


def _entry(archive: Archive, member: zipfile.ZipInfo, wanted: Wanted) -> Iterator[Entry]:
    path = reported(archive.path, member.filename)
    try:
        inner = inner_path(member.filename)
    except ArchiveReadingError as error:
        yield failing(path, error)
        return
    if not wanted.takes_member(inner):
        return
    if member.flag_bits & ENCRYPTED or member.external_attr >> 28 not in (0, REGULAR):
        yield failing(path, ArchiveReadingError(f"{path} is encrypted, or a link"))
        return
    file = partial(guarded, path, partial(_opened, archive, member))
    yield Entry(path, Path(inner), lambda: Source(path.name, member.file_size, file))


def _opened(archive: Archive, member: zipfile.ZipInfo) -> Any:
    """Opens a member; its checksum is looked at where it ends."""
    with archive.part(member.header_offset, HEADER_BYTES) as file:
        head = file.read()
    if head[:4] != HEADER or len(head) < HEADER_BYTES:
        raise zipfile.BadZipFile("it is not where the list of names says")
    skipped = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    at = member.header_offset + HEADER_BYTES + skipped
    packed = archive.part(at, member.compress_size)
    return zipfile.ZipExtFile(packed, "r", member, close_fileobj=True)
