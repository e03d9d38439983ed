"""The golden photo: it goes through the preprocessing of every stored image.

The golden image of `contract` has the size that the graph takes. It proves which model a server
runs, and says nothing of `resize`: with a wrong one, features would be .6 away from themselves.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sidecar import images

WIDTH, HEIGHT = 512, 384  # pixels; HEIGHT is the short side of a canonical JPEG, unless set
WAVES = ((1, 2, 211), (3, -1, 97), (2, 5, 61), (-7, 3, 127))  # steps in x and y, half a period


def photo(resize: int, crop: int) -> NDArray[np.uint8]:
    """Returns the golden photo as a model with this preprocessing gets it.

    Args:
        resize: short side R, pixels.
        crop: side of the centre crop S, pixels.
    Returns:
        uint8 [S, S, 3], RGB.
    """
    return images.pixels(_jpeg(), resize, crop)


@cache
def _jpeg() -> bytes:
    """Encodes the golden photo as a stored image is."""
    return images.encode(_draw(), HEIGHT)


def _draw() -> NDArray[np.uint8]:
    """Draws waves of several lengths, so that each scale looks different, in colours that change
    slowly: what an encoder does to colours makes no difference."""
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    waves = [np.abs((a * x + b * y) % (2 * half) - half) / half for a, b, half in WAVES]
    grey = sum(waves) / len(waves)
    tints = np.broadcast_arrays(x / WIDTH, y / HEIGHT, 1 - x / WIDTH)
    return np.asarray(255 * (0.6 * grey[..., None] + 0.4 * np.stack(tints, -1)), np.uint8)
