"""Refuses an AVIF whose coded images are larger than its boxes say: libavif decodes, then scales.

Source: ISO/IEC 14496-12, 8.11.3 (item location) and 8.7.5 (chunk offset); AVIF 1.1, 2.1.
"""

from collections.abc import Iterator

from PIL import Image

from sidecar.errors import ImageUnreadable
from sidecar.images.formats.av1 import largest_frame
from sidecar.images.formats.boxes import boxes

PLAIN_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
WITHIN_DATA = 1  # a construction method: the item lies in the box `idat`
SPARE = 2  # times the pixels of the image: a tile of a grid, or a margin, may stand out
SPARE_PIXELS = 1 << 16


def checked(upload: bytes, image: Image.Image) -> Image.Image:
    """Returns an opened image.

    Raises:
        ImageUnreadable: it is an AVIF that holds far larger images than it says, or is damaged.
    """
    if image.format != "AVIF":
        return image
    most = SPARE * image.width * image.height + SPARE_PIXELS
    try:
        for data in _coded(upload, 0, len(upload)):
            pixels = largest_frame(data)
            if pixels > most:
                raise ImageUnreadable(
                    f"the AVIF holds an image of {pixels:,} pixels and says "
                    f"{image.width} x {image.height}"
                )
    except (ValueError, IndexError) as error:
        raise ImageUnreadable("the AVIF is damaged: its coded images can't be found") from error
    return image


def _coded(upload: bytes, at: int, end: int) -> Iterator[bytes]:
    """Yields what is coded of each item and each track."""
    inner = list(boxes(upload, at, end))
    data = next((start for kind, start, _ in inner if kind == b"idat"), 0)
    for kind, start, last in inner:
        if kind == b"meta":
            yield from _coded(upload, start + 4, last)
        elif kind in PLAIN_BOXES:
            yield from _coded(upload, start, last)
        elif kind == b"iloc":
            yield from _items(upload, _Numbers(upload, start, last), data)
        elif kind in (b"stco", b"co64"):
            numbers = _Numbers(upload, start + 4, last)
            if numbers.take(4):
                yield upload[numbers.take(4 if kind == b"stco" else 8) :]


def _items(upload: bytes, numbers: "_Numbers", data: int) -> Iterator[bytes]:
    version, _ = numbers.take(1), numbers.take(3)
    sizes = [*divmod(numbers.take(1), 16), *divmod(numbers.take(1), 16)]
    offset_size, length_size, base_size, index_size = sizes
    for _ in range(numbers.take(2 if version < 2 else 4)):
        numbers.take(2 if version < 2 else 4)  # its id
        is_within = version > 0 and numbers.take(2) & 0xF == WITHIN_DATA
        numbers.take(2)
        base = numbers.take(base_size) + (data if is_within else 0)
        parts, taken = [], 0
        for _ in range(numbers.take(2)):
            numbers.take(index_size if version > 0 else 0)
            start = base + numbers.take(offset_size)
            length = numbers.take(length_size)
            parts.append(upload[start : start + length if length else None])
            taken += len(parts[-1])
            if taken > len(upload):
                raise ValueError("an item that is larger than its file")
        yield b"".join(parts)


class _Numbers:
    """Takes whole numbers out of a box."""

    def __init__(self, upload: bytes, at: int, end: int):
        self._data, self._at = upload[at:end], 0

    def take(self, size: int) -> int:
        self._at += size
        if self._at > len(self._data):
            raise ValueError("a box that is cut short")
        return int.from_bytes(self._data[self._at - size : self._at])
