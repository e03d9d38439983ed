"""Recognises Targa files, which begin with no signature.

Source: Truevision TGA File Format Specification 2.0.
"""

import struct

from PIL import Image

from sidecar.images import layouts

FOOTER = b"TRUEVISION-XFILE.\x00"
HEADER = struct.Struct("<BBBHHBHHHHBB")
MAPPED, COLOURS, GREY, RUNS = 1, 2, 3, 8
DEPTHS = {MAPPED: (8,), COLOURS: (16, 24, 32), GREY: (8, 16)}
ATTRIBUTE_BITS = 0x0F


def is_tga(upload: bytes) -> bool:
    """Returns whether each field of the header has a value of its own, and the pixels fit the file.

    Bytes of another kind hardly ever have; where the footer of version 2 stands, none have.
    """
    if len(upload) < HEADER.size:
        return False
    note, mapped, kind, _, colours, colour_bits, _, _, width, height, depth, flags = (
        HEADER.unpack_from(upload)
    )
    kind_of_pixels = kind & ~RUNS
    if depth not in DEPTHS.get(kind_of_pixels, ()) or not width or not height or flags & 0xC0:
        return False
    if mapped != (kind_of_pixels == MAPPED) or colour_bits not in (
        (16, 24, 32) if mapped else (0,)
    ):
        return False
    start = HEADER.size + note + colours * (colour_bits // 8)
    pixels = width * height * depth // 8
    # A run of 128 pixels takes one byte and a pixel.
    least = pixels if kind == kind_of_pixels else width * height // 128 * (1 + depth // 8)
    return bool(start + least <= len(upload))


def understood(upload: bytes, image: Image.Image) -> Image.Image:
    """Returns an opened image; of a Targa, with it noted whether it has transparency."""
    if image.format != "TGA":
        return image
    has_alpha = bool(upload[17] & ATTRIBUTE_BITS)
    return layouts.note(image, is_opaque=not has_alpha, may_lack_alpha=True)
