"""Finds the colour profile of a JPEG 2000 file, which Pillow passes over.

Source: ISO/IEC 15444-1, annex I: boxes, and the colour specification box (method 2, restricted ICC;
method 3, any ICC, of 15444-2).
"""

import struct
from collections.abc import Iterator

from PIL import Image

MAGIC = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
WITH_PROFILE = (2, 3)
MAX_BOXES = 64


def understood(upload: bytes, image: Image.Image) -> Image.Image:
    """Returns an opened image; a JPEG 2000 with the ICC profile of its header in `info`."""
    if image.format == "JPEG2000" and upload.startswith(MAGIC):
        for kind, start, end in _boxes(upload, 0, len(upload)):
            if kind == b"jp2h":
                image.info.update(_profile(upload, start, end))
    return image


def _profile(upload: bytes, start: int, end: int) -> dict[str, bytes]:
    for kind, at, last in _boxes(upload, start, end):
        if kind == b"colr" and upload[at] in WITH_PROFILE:
            return {"icc_profile": upload[at + 3 : last]}
    return {}


def _boxes(upload: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, begin and end of the contents of each box."""
    for _ in range(MAX_BOXES):
        if at + 8 >= end:
            return
        size, kind = struct.unpack_from(">I4s", upload, at)
        header = 8
        if size == 1 and at + 16 < end:
            (size,), header = struct.unpack_from(">Q", upload, at + 8), 16
        last = end if size == 0 else min(at + size, end)
        if last <= at + header:
            return
        yield kind, at + header, last
        at = last
