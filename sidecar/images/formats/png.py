"""Takes what no pixel depends on out of a PNG, so that damage there does not matter.

Source: Portable Network Graphics, third edition, chapters 5 (chunks), 11.3 (ancillary chunks) and
13.2 (an error in an ancillary chunk must not stop a decoder).
"""

import struct
import zlib
from collections.abc import Iterator

from sidecar.errors import ImageUnreadable

MAGIC = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 50_000
MAX_METADATA_BYTES = 8 * 2**20  # of one profile or text, unpacked
GREY, RGB, PALETTE = 0, 2, 3
# What may turn an image: Exif as ImageMagick writes it, and XMP.
TURNING_TEXTS = (b"Raw profile type exif\x00", b"XML:com.adobe.xmp\x00")
CHUNK_NAMES = (b"IDAT", b"PLTE", b"IEND")


def sound(upload: bytes) -> bytes:
    """Returns a PNG with its pixels, palette, transparency, profile and orientation and no more.

    Ancillary chunks that are damaged or mean nothing to the pixels are left out, an animation's
    later frames among them. Other files come back as they are.

    Raises:
        ImageUnreadable: the file has over `MAX_CHUNKS` chunks, or is Apple's own kind of PNG.
    """
    if not upload.startswith(MAGIC) or len(upload) < 33:
        return upload
    if upload[12:16] == b"CgBI":
        raise ImageUnreadable("the data is a PNG in Apple's own form (CgBI), which is not read")
    depth, colour = upload[24], upload[25]
    view = memoryview(upload)
    parts: list[bytes | memoryview] = [MAGIC]
    seen: set[bytes] = set()
    for count, (start, end) in enumerate(_chunks(upload)):
        if count == MAX_CHUNKS:
            raise ImageUnreadable(f"the PNG has more than {MAX_CHUNKS:,} chunks")
        kind = upload[start + 4 : start + 8]
        if kind == b"tRNS":
            parts.append(_transparency(upload[start + 8 : end - 4], depth, colour))
        elif _is_critical(kind):
            parts.append(view[start:end])
        elif (name := _wanted(upload, start)) and name not in seen:
            seen.add(name)  # the first decides: each costs what it unpacks to
            if _is_usable(kind, upload[start + 8 : end - 4]):
                parts.append(view[start:end])
    return b"".join(parts)


def _chunks(upload: bytes) -> Iterator[tuple[int, int]]:
    """Yields where each sound or critical chunk begins and ends, up to IEND or the file's end."""
    at, size = len(MAGIC), len(upload)
    while at + 8 <= size:
        (length,) = struct.unpack_from(">I", upload, at)
        kind, end = upload[at + 4 : at + 8], at + 12 + length
        if _is_critical(kind):
            yield at, min(end, size)
            if kind == b"IEND":
                return
        elif end <= size and _has_right_checksum(upload, at, end):
            yield at, end
        elif not _is_chunk(upload, end):
            end = _next_known(upload, at + 8)  # the length was damaged too
        at = end


def _is_critical(kind: bytes) -> bool:
    return not kind[0] & 0x20


def _has_right_checksum(upload: bytes, start: int, end: int) -> bool:
    (checksum,) = struct.unpack_from(">I", upload, end - 4)
    return zlib.crc32(memoryview(upload)[start + 4 : end - 4]) == int(checksum)


def _is_chunk(upload: bytes, at: int) -> bool:
    kind = upload[at + 4 : at + 8]
    return len(kind) == 4 and kind.isalpha() and kind.isascii()


def _next_known(upload: bytes, at: int) -> int:
    found = [position for name in CHUNK_NAMES if (position := upload.find(name, at + 4)) >= 0]
    return min(found, default=len(upload) + 4) - 4


def _wanted(upload: bytes, start: int) -> bytes | None:
    """Returns the kind of a chunk that pixels depend on, with the keyword of a text."""
    kind = upload[start + 4 : start + 8]
    if kind in (b"iCCP", b"eXIf"):
        return kind
    if kind in (b"tEXt", b"zTXt", b"iTXt"):
        keys = (key for key in TURNING_TEXTS if upload.startswith(key, start + 8))
        return next((kind + key for key in keys), None)
    return None


def _is_usable(kind: bytes, data: bytes) -> bool:
    if kind == b"eXIf":
        return _is_exif(data)
    _, _, rest = data.partition(b"\x00")
    if kind in (b"iCCP", b"zTXt"):
        return rest[:1] == b"\x00" and _unpacks(rest[1:])
    is_plain = kind == b"tEXt" or rest[:1] == b"\x00"
    return is_plain and len(data) <= MAX_METADATA_BYTES


def _is_exif(data: bytes) -> bool:
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(data[:4])
    if order is None or len(data) < 10:
        return False
    (directory,) = struct.unpack_from(order + "I", data, 4)
    return 8 <= int(directory) < len(data) - 2


def _unpacks(packed: bytes) -> bool:
    inflate = zlib.decompressobj()
    try:
        inflate.decompress(packed, MAX_METADATA_BYTES)
    except zlib.error:
        return False
    return inflate.eof


def _transparency(data: bytes, depth: int, colour: int) -> bytes:
    """Writes tRNS in the samples that Pillow compares: 8 bits for all but 16-bit grey.

    One that breaks the specification (11.3.2.1) is left out. Two 16-bit colours that differ in
    their low bytes alone can't be kept apart: Pillow reads no more than the high ones.
    """
    if colour == PALETTE:
        return _chunk(b"tRNS", data) if 0 < len(data) <= 256 else b""
    if len(data) != {GREY: 2, RGB: 6}.get(colour):
        return b""
    samples = [value & (1 << depth) - 1 for value in struct.unpack(f">{len(data) // 2}H", data)]
    if colour == RGB and depth == 16:
        samples = [sample >> 8 for sample in samples]
    elif depth in (2, 4):
        samples = [sample * 255 // ((1 << depth) - 1) for sample in samples]
    return _chunk(b"tRNS", struct.pack(f">{len(samples)}H", *samples))


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
