"""Reads the files of a zip one at a time.

`zipfile` reads no more than the directory: a file that is compressed by bzip2 or LZMA it would
unpack at once.

Source: PKWARE APPNOTE 6.3.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from sidecar.errors import ArchiveUnreadable, BatchTooLarge, WrongArguments
from sidecar.files import in_units
from sidecar.images import names
from sidecar.images.archives import decompression
from sidecar.images.archives.decompression import FREE_BYTES, MOST_RATIO, Decompressed
from sidecar.images.archives.members import (
    BatchRules,
    File,
    Unpacked,
    image_too_large,
    too_many_files,
)

MAX_DIRECTORY_BYTES = 16 << 20  # zipfile reads the directory whole
NEXT_NAME, NEXT_FILE = b"PK\x01\x02", b"PK\x03\x04"  # before each name in the directory, each file
HEADER_BYTES = 30  # before a file's name
ENCRYPTED, UTF8 = 0x1, 0x800  # bits of a file's flags
REGULAR = 0o10  # a file's type, where it was packed on Unix; 0 elsewhere
LZMA_HEAD_BYTES = 9


def files(archive: IO[bytes], rules: BatchRules) -> Iterator[File]:
    """Yields the files of a zip, in the order of its directory.

    Args:
        archive: seekable, at its start.
    Raises:
        ArchiveUnreadable: its directory is damaged, too large, or made to do harm.
        BatchTooLarge: it unpacks to too much, or has too many files.
    """
    size_bytes = archive.seek(0, io.SEEK_END)
    archive.seek(0)
    with zipfile.ZipFile(_Bounded(archive, rules)) as opened:
        members = [member for member in opened.infolist() if not member.is_dir()]
    if sum(member.compress_size for member in members) > size_bytes:
        raise ArchiveUnreadable("the files of the archive overlap: it is a bomb")
    unpacked = Unpacked(rules)
    for member in members:
        unpacked.add(member.file_size)
    if sum(min(member.file_size, rules.max_image_bytes) for member in members) > (
        MOST_RATIO * size_bytes + FREE_BYTES
    ):
        raise ArchiveUnreadable(
            f"the archive unpacks to more than {MOST_RATIO} times its size: it is a bomb"
        )
    for member in members:
        name = _name(member)
        if not names.is_clutter(name):
            yield File(name, _content(archive, member, rules))


class _Bounded(io.BufferedIOBase):
    """Reads no directory that is too large, or has too many names."""

    def __init__(self, file: IO[bytes], rules: BatchRules) -> None:
        self._file = file
        self._rules = rules

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= MAX_DIRECTORY_BYTES:
            size = MAX_DIRECTORY_BYTES + 1
        piece = self._file.read(size)
        if len(piece) > MAX_DIRECTORY_BYTES:
            limit = in_units(MAX_DIRECTORY_BYTES)
            raise BatchTooLarge(f"the archive's list of names is larger than {limit}: send parts")
        if piece.count(NEXT_NAME) > self._rules.max_files:
            raise too_many_files(self._rules)
        return piece


def _name(member: zipfile.ZipInfo) -> str:
    """Returns a file's name. Macs write UTF-8 and don't say so, and zipfile takes it for cp437."""
    if member.flag_bits & UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode()
    except UnicodeError:
        return member.filename


def _content(archive: IO[bytes], member: zipfile.ZipInfo, rules: BatchRules) -> bytes | Exception:
    """Returns the bytes of a file, or the error that keeps them away."""
    if member.external_attr >> 28 not in (0, REGULAR) or member.flag_bits & ENCRYPTED:
        return WrongArguments("the file is a link or a device, or encrypted")
    if member.file_size > rules.max_image_bytes:
        return image_too_large(rules)
    try:
        return _unpacked(archive, member)
    except Exception as error:  # of any kind, from four libraries
        return ArchiveUnreadable(f"the file can't be unpacked: {error}")


def _unpacked(archive: IO[bytes], member: zipfile.ZipInfo) -> bytes:
    """Unpacks a file; one that has more than its size says is read no further."""
    archive.seek(member.header_offset)
    header = archive.read(HEADER_BYTES)
    if header[:4] != NEXT_FILE:
        raise ArchiveUnreadable("it is not where the directory says")
    name_bytes, extra_bytes = struct.unpack("<HH", header[26:30])
    archive.seek(name_bytes + extra_bytes, io.SEEK_CUR)
    packed = _Part(archive, member.compress_size)
    content = _reader(packed, member).read(member.file_size + 1)
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise ArchiveUnreadable("its size or its checksum is not what the directory says")
    return content


def _reader(packed: "_Part", member: zipfile.ZipInfo) -> "_Part | Decompressed":
    """Returns the reader of a file by its kind of compression."""
    most = member.file_size + 1
    method = member.compress_type
    if method == zipfile.ZIP_STORED:
        return packed
    if method == zipfile.ZIP_DEFLATED:
        return Decompressed(packed, decompression.deflate, most)
    if method == zipfile.ZIP_BZIP2:
        return Decompressed(packed, decompression.bzip2, most)
    if method == zipfile.ZIP_LZMA:
        head = packed.read(LZMA_HEAD_BYTES)
        return Decompressed(packed, lambda: decompression.lzma1(head, most), most)
    raise ArchiveUnreadable(
        f"it is compressed by method {method}: deflate it, or store it as it is"
    )


class _Part:
    """Reads a part of a file, onwards from where the file is."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(piece)
        return piece
