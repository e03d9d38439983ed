"""The directory of a zip, name by name: `zipfile` would hold all of it in memory.

Source: PKWARE APPNOTE 6.3.
"""

import io
import struct
import zipfile
from collections.abc import Iterator

from similarity_client.cli.sources.part import Archive

END, END_64, PLACE_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
NAME = b"PK\x01\x02"
END_BYTES, COMMENT_BYTES, PLACE_BYTES, END_64_BYTES, NAME_BYTES = 22, 0xFFFF, 20, 56, 46
UTF8 = 0x800  # of a name's flags
IN_EXTRA, EXTRA_64 = 0xFFFFFFFF, 1


def members(archive: Archive, size: int) -> Iterator[zipfile.ZipInfo]:
    """Yields what the directory says of each member: name, place, sizes, checksum.

    Raises:
        zipfile.BadZipFile, struct.error, OSError: it is damaged.
    """
    start, directory_bytes, shift = _place(archive, size)
    with archive.part(start + shift, directory_bytes) as directory:
        while head := directory.read(NAME_BYTES):
            if head[:4] != NAME:
                raise zipfile.BadZipFile("its list of names is damaged")
            yield _member(head, directory, shift)


def _place(archive: Archive, size: int) -> tuple[int, int, int]:
    """Returns where the directory begins, how long it is, and what stands before the archive."""
    tail_at = max(0, size - END_BYTES - COMMENT_BYTES - PLACE_BYTES)
    with archive.part(tail_at, size - tail_at) as file:
        tail = file.read()
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_BYTES:
        raise zipfile.BadZipFile("it has no list of names, or was cut short")
    length, start = struct.unpack("<LL", tail[at + 12 : at + 20])
    end = tail_at + at
    place = tail[max(0, at - PLACE_BYTES) : at]
    if place[:4] == PLACE_64:
        [end] = struct.unpack("<Q", place[8:16])
        with archive.part(end, END_64_BYTES) as file:
            head = file.read()
        if head[:4] != END_64:
            raise zipfile.BadZipFile("its list of names is not where it says")
        length, start = struct.unpack("<QQ", head[40:56])
    shift = end - length - start
    if shift < 0:
        raise zipfile.BadZipFile("its list of names is not where it says")
    return start, length, shift


def _member(head: bytes, directory: io.BufferedIOBase, shift: int) -> zipfile.ZipInfo:
    """Returns a member, whose name follows its head."""
    flags, method = struct.unpack("<HH", head[8:12])
    crc, packed, unpacked, name_bytes, extra_bytes, comment_bytes = struct.unpack(
        "<LLLHHH", head[16:34]
    )
    [attributes, place] = struct.unpack("<LL", head[38:46])
    found = zipfile.ZipInfo(_name(directory.read(name_bytes), flags) or "?")
    extra = directory.read(extra_bytes)
    directory.read(comment_bytes)
    long = _long(extra)
    sizes = [
        next(long, value) if value == IN_EXTRA else value for value in (unpacked, packed, place)
    ]
    found.file_size, found.compress_size, found.header_offset = sizes
    found.header_offset += shift
    found.flag_bits, found.compress_type, found.CRC = flags, method, crc
    found.external_attr = attributes
    return found


def _name(name: bytes, flags: int) -> str:
    """Returns a name. Many write UTF-8 and do not say so; what is neither is the old code page."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("utf-8" if flags & UTF8 else "cp437", errors="replace")


def _long(extra: bytes) -> Iterator[int]:
    """Yields the numbers that had no room in the head."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == EXTRA_64:
            yield from (each for [each] in struct.iter_unpack("<Q", extra[4 : 4 + length // 8 * 8]))
        extra = extra[4 + length :]
