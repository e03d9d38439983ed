"""The file CURRENT, which holds the number of the generation that is searched, with its CRC-32."""

import zlib
from pathlib import Path

from sidecar.errors import IndexDamaged, NoIndex
from sidecar.files import sync

CURRENT = "CURRENT"


def seen(folder: Path) -> tuple[int, int]:
    """Returns what changes whenever CURRENT is replaced: its inode and its time.

    Raises:
        NoIndex: there is none.
    """
    try:
        status = (folder / CURRENT).stat()
    except FileNotFoundError as error:
        raise _no_index() from error
    return status.st_ino, status.st_mtime_ns


def read(folder: Path) -> int:
    """Returns the number in CURRENT.

    Raises:
        NoIndex: there is none.
        IndexDamaged: it is not what was written.
    """
    try:
        text = (folder / CURRENT).read_text(errors="replace")
    except FileNotFoundError as error:
        raise _no_index() from error
    number = text.split(" ")[0]
    if not number.isdecimal() or text != _signed(int(number)):
        raise IndexDamaged(f"{folder / CURRENT} is not what was written")
    return int(number)


def write(folder: Path, number: int) -> None:
    """Replaces CURRENT at once, and syncs it to the disk."""
    coming = folder / f"{CURRENT}.next"
    coming.write_text(_signed(number))
    sync(coming)
    coming.replace(folder / CURRENT)
    sync(folder)


def _no_index() -> NoIndex:
    return NoIndex("there is no index yet: train first")


def _signed(number: int) -> str:
    return f"{number} {zlib.crc32(str(number).encode()):08x}\n"
