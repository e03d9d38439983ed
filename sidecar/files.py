"""What is done with files everywhere: checksums, syncing, and sizes for people."""

import hashlib
import os
from pathlib import Path

UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Returns when a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def in_units(size_bytes: int) -> str:
    """Writes a size in the largest unit that divides it: 33,554,432 bytes are "32 MiB"."""
    for unit, factor in UNITS.items():
        if size_bytes >= factor and size_bytes % factor == 0:
            return f"{size_bytes // factor:,} {unit}"
    return f"{size_bytes:,} bytes"
