"""Walks over the boxes of a file: of JPEG 2000, JPEG XL, and what is made like MP4 (AVIF).

Sources: ISO/IEC 15444-1, annex I; ISO/IEC 14496-12, 4.2.
"""

import struct
from collections.abc import Iterator

MAX_BOXES = 64


def boxes(upload: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, begin and end of the contents of each box between two places."""
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", upload, at)
        header = 8
        if size == 1 and at + 16 <= end:
            (size,), header = struct.unpack_from(">Q", upload, at + 8), 16
        last = end if size == 0 else min(at + size, end)
        if last < at + header:
            return
        yield kind, at + header, last
        at = last
