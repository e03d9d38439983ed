"""Reckons what decoding an image costs, from its header alone.

Measured with Pillow 13.0 and flat images of 25 million pixels, which compress to nothing;
`tests/unit/test_decode_budget.py` holds what is reckoned against the peaks.
"""

from dataclasses import dataclass

MEBIBYTE = 1 << 20
# Bytes that a pixel takes once it is decoded, by Pillow's mode; four where the mode is not here.
DECODED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
# Bytes that a decoder holds for each pixel beside those, by format.
DECODING = {
    "WEBP": 13,  # two canvases, of which one is touched, the coded image, and a copy
    "AVIF": 12,  # planes of the coded image, and its pixels
    "HEIF": 14,  # the same, and a copy
    "JXL": 18,  # planes of floating point, and a copy of its pixels
    "JPEG2000": 18,  # whole numbers of 32 bits for each component
    "TIFF": 4,  # a strip, which may be the whole image
    "GIF": 10,  # a canvas, and the frame that covers a part of it
    "BMP": 1,  # whether its alpha hides everything, which TGA and ICO ask too
    "TGA": 1,
    "ICO": 1,
    "PSD": 1,  # a channel
}
# Bytes for each byte of the file, which the decoder holds until the last pixel.
CODED = {"JPEG2000": 2}
# Bytes for each pixel that is left to work on when the image has been reduced.
WORKING = 16


@dataclass(frozen=True)
class Header:
    """What an image's header says.

    Args:
        kind: its format, by Pillow's name.
        mode: of its pixels, by Pillow's name.
        decoded: pixels that the decoder gives, which may scale.
        left: pixels that are left when these have been reduced.
        file_bytes: of the upload.
        coefficient_bytes: that a JPEG's decoder holds until the last scan.
    """

    kind: str
    mode: str
    decoded: int
    left: int
    file_bytes: int = 0
    coefficient_bytes: int = 0


def decode_bytes(header: Header) -> int:
    """Returns the bytes of memory that an image takes until it is its canonical JPEG."""
    decoded = DECODED.get(header.mode, 4) + DECODING.get(header.kind, 0)
    held = header.file_bytes * CODED.get(header.kind, 0) + header.coefficient_bytes
    cost = header.decoded * decoded + header.left * WORKING + held
    return (cost // MEBIBYTE + 1) * MEBIBYTE
