"""Opens JPEG XL by the plugin `pillow-jxl-plugin`, where it is installed, decoding when asked to.

The plugin itself decodes while it opens. Sources: ISO/IEC 18181-1, D.2 (size header), and 18181-2
(boxes).
"""

import io
from importlib.util import find_spec
from typing import Any

from PIL import Image, ImageFile

from sidecar.images.formats.boxes import boxes

FORMAT = "JXL"
IS_INSTALLED = find_spec("pillow_jxl") is not None
CODESTREAM = b"\xff\x0a"
CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n"
WIDTHS = (9, 13, 18, 30)  # bits of a size
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height
CODED_BOXES = {b"jxlc": 0, b"jxlp": 4}  # and the bytes before their codestream


class JpegXl(ImageFile.ImageFile):
    """A JPEG XL whose pixels, mode and profile come with `load`."""

    format = FORMAT
    format_description = "JPEG XL"

    def _open(self) -> None:
        assert self.fp is not None
        self._size = _size(self.fp.read())
        self._mode = "RGBA"  # the dearest it may be
        self._waiting = True

    def load(self) -> Any:
        if self._waiting:
            self._waiting = False
            self._decode()
        return super().load()

    def _decode(self) -> None:
        from pillow_jxl.JpegXLImagePlugin import JXLImageFile

        assert self.fp is not None
        self.fp.seek(0)
        with JXLImageFile(io.BytesIO(self.fp.read())) as decoded:
            decoded.load()
            if decoded.size not in (self.size, self.size[::-1]):
                raise ValueError("the size in the header is another")
            self.im, self._mode, self._size = decoded.im, decoded.mode, decoded.size
            # Exif turns no JPEG XL but one that is a JPEG packed anew: the decoder has turned it.
            kept = ("icc_profile", "exif") if decoded.jpeg else ("icc_profile",)
            self.info.update({key: decoded.info[key] for key in kept if key in decoded.info})


def register() -> None:
    """Has Pillow open JPEG XL this way."""
    Image.register_open(FORMAT, JpegXl, lambda head: head.startswith((CODESTREAM, CONTAINER)))


def _size(file: bytes) -> tuple[int, int]:
    """Reads width and height in pixels, before orientation."""
    bits = _Bits(file[_codestream(file) + len(CODESTREAM) :][:16])
    is_small = bits.take(1)
    height = bits.side(is_small)
    ratio = bits.take(3)
    if ratio == 0:
        return bits.side(is_small), height
    across, down = RATIOS[ratio - 1]
    return height * across // down, height


def _codestream(file: bytes) -> int:
    """Returns where the codestream begins, in a file that may be a container of boxes."""
    if not file.startswith(CONTAINER):
        return 0
    for kind, start, _ in boxes(file, 0, len(file)):
        if kind in CODED_BOXES:
            return start + CODED_BOXES[kind]
    raise SyntaxError("a JPEG XL without a codestream")


class _Bits:
    """Takes numbers out of a codestream, whose lowest bits come first."""

    def __init__(self, data: bytes):
        self._left = int.from_bytes(data, "little")

    def take(self, bits: int) -> int:
        value = self._left & ((1 << bits) - 1)
        self._left >>= bits
        return value

    def side(self, is_small: int) -> int:
        if is_small:
            return 8 * (self.take(5) + 1)
        return self.take(WIDTHS[self.take(2)]) + 1
