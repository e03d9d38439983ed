"""Reads the images of an archive one at a time; nothing is ever unpacked to a path."""

import io
from collections.abc import Iterator
from typing import IO

from sidecar.errors import ArchiveUnreadable, BatchTooLarge
from sidecar.images.archives import decompression, tars, zips
from sidecar.images.archives.members import BatchRules, File

MAGIC_BYTES = 512  # of a file's beginning, in which an archive is recognised
COMPRESSED = (decompression.GZIP, decompression.ZSTD)


def is_archive(head: bytes) -> bool:
    """Returns whether a file that begins with these `MAGIC_BYTES` is a tar, tar.gz, tar.zst or
    zip."""
    return _is_zip(head) or _is_tar(head) or head.startswith(COMPRESSED)


def files(archive: IO[bytes], rules: BatchRules) -> Iterator[File]:
    """Yields the files of an archive, in its order; folders are passed over, and what systems add
    by themselves.

    A file that is too large, is a link or a device, or can't be unpacked fails alone. No more than
    one file is held at once, and what an archive may cost is bounded before it is read: its bytes,
    its files, its headers, and how far it unpacks.

    Args:
        archive: seekable, at its start.
    Raises:
        ArchiveUnreadable: it is of another kind, damaged, or made to do harm.
        BatchTooLarge: it unpacks to more than `rules.max_batch_bytes`, or has more than
            `rules.max_files`.
    """
    head = archive.read(MAGIC_BYTES)
    archive.seek(0)
    if not is_archive(head):
        raise ArchiveUnreadable("the file is neither a tar, tar.gz or tar.zst nor a zip")
    try:
        yield from _files(head, archive, rules)
    except (ArchiveUnreadable, BatchTooLarge):
        raise
    except Exception as error:  # libraries meet hostile files with errors of any kind
        raise ArchiveUnreadable(f"the archive can't be read: {error}") from error


def _files(head: bytes, archive: IO[bytes], rules: BatchRules) -> Iterator[File]:
    if _is_zip(head):
        return zips.files(archive, rules)
    if _is_tar(head):
        return tars.files(_Onwards(archive), rules)
    start = decompression.decompressed(archive, rules).read(MAGIC_BYTES)
    if not _is_tar(start):
        raise ArchiveUnreadable("what is compressed is no tar")
    archive.seek(0)
    return tars.files(decompression.decompressed(archive, rules), rules)


class _Onwards:
    """Reads a file on the disk in one direction."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def skip(self, size: int) -> None:
        self._file.seek(size, io.SEEK_CUR)


def _is_zip(head: bytes) -> bool:
    return head[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"
