"""The golden photo: it goes through the preprocessing of every stored image.

The golden image of `contract` has the size that the graph takes. It proves which model a server
runs, and says nothing of `resize`: with a wrong one, features would be .6 away from themselves.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sidecar import images

WIDTH, HEIGHT = 512, 384  # pixels; HEIGHT is the short side of a canonical JPEG, unless set


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
    """Draws hills and slopes of several sizes, so that each scale looks different, and encodes
    them as a stored image is."""
    y, x, channel = np.ogrid[:HEIGHT, :WIDTH, :3]
    waves = [np.abs((x * a + y * b + 37 * channel) % (2 * p) - p) / p for a, b, p in WAVES]
    mean = sum(waves) / len(waves)
    return images.encode(np.asarray(255 * mean, np.uint8), HEIGHT)


WAVES = ((1, 2, 211), (3, -1, 97), (2, 5, 61), (-7, 3, 127))  # steps in x and y, half a period
