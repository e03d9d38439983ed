"""Decodes JPEGs by libjpeg-turbo itself. The one door to simplejpeg.

Pillow has the same decoder inside, but feeds it in pieces through Python and keeps four bytes a
pixel. `codec` leaves to Pillow what is no plain JPEG, and what this decoder complains about.
"""

import numpy as np
import simplejpeg
from numpy.typing import NDArray


def decode(jpeg: bytes) -> NDArray[np.uint8] | None:
    """Decodes a canonical JPEG, bit for bit as Pillow does.

    Returns:
        uint8 [H, W, 3], RGB; None where libjpeg-turbo as much as warns.
    """
    try:
        return np.asarray(simplejpeg.decode_jpeg(jpeg, "RGB"))
    except ValueError:
        return None


def is_whole(jpeg: bytes) -> bool:
    """Returns whether all pixels of a JPEG can be decoded, by decoding it at an eighth of its
    size."""
    try:
        simplejpeg.decode_jpeg(jpeg, "GRAY", min_height=1, min_width=1, min_factor=8)
    except ValueError:
        return False
    return True


def count_pixels(jpeg: bytes) -> int:
    """Returns width times height by the header; 0 where libjpeg-turbo can't read that."""
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError:
        return 0
    return int(height) * int(width)
