"""What a file is, by how it begins."""

import tarfile
from enum import Enum

HEAD_BYTES = tarfile.BLOCKSIZE
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")  # gzip, bzip2, xz
ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class Kind(Enum):
    """What a file is."""

    IMAGE = "image"  # or nothing that is known: the service says so
    ZIP = "zip"
    TAR = "tar"
    STREAM = "stream"  # a tar that is compressed


def kind_of(head: bytes) -> Kind:
    """Returns what a file is.

    Args:
        head: its first `HEAD_BYTES`, or all of it.
    """
    if head.startswith(ZIP):
        return Kind.ZIP
    if head.startswith(COMPRESSED):
        return Kind.STREAM
    return Kind.TAR if _is_tar(head) else Kind.IMAGE


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # an empty one
        return True
    except tarfile.HeaderError:
        return False
    return True
