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
