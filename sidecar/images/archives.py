"""Reads the images of a tar or zip one at a time; nothing is ever unpacked to a path.

Sources: IEEE 1003.1-2008 pax (ustar), PKWARE APPNOTE 6.3.
"""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from sidecar.errors import ArchiveUnreadable, BatchTooLarge, ImageTooLarge, WrongArguments
from sidecar.files import in_units

MAGIC_BYTES = 512  # of a file's beginning, in which tar and zip are recognised
MAX_DIRECTORY_BYTES = 16 << 20  # zipfile reads the directory whole: some 150,000 names
IGNORED = ("__MACOSX", ".DS_Store")  # what a Mac adds to archives by itself
ENCRYPTED = 0x1  # bit of a zip member's flags
REGULAR = 0o10  # a zip member's type of file, where it was packed on Unix; 0 elsewhere


@dataclass(frozen=True)
class File:
    """A file of a batch under the client's name: its bytes, or the error that keeps them away."""

    name: str
    content: bytes | Exception


@dataclass(frozen=True)
class BatchRules:
    """Limits the size of a batch.

    Args:
        max_image_bytes: of each image.
        max_batch_bytes: of the whole batch, as it comes and unpacked.
    """

    max_image_bytes: int
    max_batch_bytes: int


def is_archive(head: bytes) -> bool:
    """Returns whether a file that begins with these `MAGIC_BYTES` is a tar or a zip."""
    return _is_zip(head) or head[257:262] == b"ustar"


def files(archive: IO[bytes], rules: BatchRules) -> Iterator[File]:
    """Yields the files of an archive, in its order; folders are passed over.

    A file that is too large, is a link or a device, or can't be unpacked fails alone.

    Args:
        archive: seekable, at its start.
    Raises:
        ArchiveUnreadable: it is neither a tar nor a zip, damaged, or made to do harm.
        BatchTooLarge: it unpacks to more than `rules.max_batch_bytes`.
    """
    head = archive.read(MAGIC_BYTES)
    archive.seek(0)
    if not is_archive(head):
        raise ArchiveUnreadable("the file is neither an uncompressed tar nor a zip")
    reader = _zip if _is_zip(head) else _tar
    try:
        yield from reader(_Bounded(archive, rules.max_image_bytes), rules)
    except (ArchiveUnreadable, BatchTooLarge):
        raise
    except Exception as error:  # both libraries meet hostile files with errors of any kind
        raise ArchiveUnreadable(f"the archive can't be read: {error}") from error


class _Bounded(io.BufferedIOBase):
    """Refuses to be read in large pieces, which only forged headers ask for."""

    def __init__(self, file: IO[bytes], max_image_bytes: int) -> None:
        self._file = file
        self._max_bytes = max(MAX_DIRECTORY_BYTES, max_image_bytes + 1)

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= self._max_bytes:
            size = self._max_bytes + 1
        piece = self._file.read(size)
        if len(piece) > self._max_bytes:
            raise ArchiveUnreadable(
                f"the archive's list of names, or one of its headers, is larger than "
                f"{in_units(MAX_DIRECTORY_BYTES)} and than MAX_IMAGE_BYTES: send it in parts"
            )
        return piece


def _zip(archive: _Bounded, rules: BatchRules) -> Iterator[File]:
    size_bytes = archive.seek(0, io.SEEK_END)
    archive.seek(0)
    with zipfile.ZipFile(archive) as opened:
        members = [member for member in opened.infolist() if not member.is_dir()]
        if sum(member.compress_size for member in members) > size_bytes:
            raise ArchiveUnreadable("the files of the archive overlap: it is a bomb")
        if sum(member.file_size for member in members) > rules.max_batch_bytes:
            raise _batch_too_large(rules)
        for member in members:
            if not _is_ignored(member.filename):
                yield _zip_member(opened, member, rules)


def _zip_member(opened: zipfile.ZipFile, member: zipfile.ZipInfo, rules: BatchRules) -> File:
    name = member.filename
    if member.external_attr >> 28 not in (0, REGULAR) or member.flag_bits & ENCRYPTED:
        return File(name, WrongArguments("the file is a link or a device, or encrypted"))
    if member.file_size > rules.max_image_bytes:
        return File(name, _image_too_large(rules))
    try:
        with opened.open(member) as file:
            content = file.read(rules.max_image_bytes + 1)
    except Exception as error:
        return File(name, ArchiveUnreadable(f"the file can't be unpacked: {error}"))
    return File(name, content)


def _tar(archive: _Bounded, rules: BatchRules) -> Iterator[File]:
    unpacked_bytes = 0  # more than the archive has, where files are sparse
    with tarfile.open(fileobj=archive, mode="r:") as opened:
        while (member := opened.next()) is not None:
            opened.members.clear()  # type: ignore[attr-defined]  # else all stay in memory
            if member.isdir() or _is_ignored(member.name):
                continue
            if not member.isreg():
                yield File(member.name, WrongArguments("the file is a link or a device"))
            elif member.size > rules.max_image_bytes:
                yield File(member.name, _image_too_large(rules))
            elif (unpacked_bytes := unpacked_bytes + member.size) > rules.max_batch_bytes:
                raise _batch_too_large(rules)
            else:
                file = opened.extractfile(member)
                assert file is not None
                yield File(member.name, file.read())
        archive.seek(opened.offset)
        if archive.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise ArchiveUnreadable("the archive is cut short")  # tarfile takes it for its end


def _is_zip(head: bytes) -> bool:
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def _is_ignored(name: str) -> bool:
    return any(part in IGNORED for part in PurePosixPath(name).parts)


def _image_too_large(rules: BatchRules) -> ImageTooLarge:
    return ImageTooLarge(
        f"the image is larger than {in_units(rules.max_image_bytes)} (MAX_IMAGE_BYTES)"
    )


def _batch_too_large(rules: BatchRules) -> BatchTooLarge:
    return BatchTooLarge(
        f"the batch is larger than {in_units(rules.max_batch_bytes)} unpacked (MAX_BATCH_BYTES)"
    )
