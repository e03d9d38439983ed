"""Decodes a canonical JPEG into the square that a model takes."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sidecar.images import budget, turbojpeg
from sidecar.images.formats import translated
from sidecar.telemetry import timings

# While the JPEG becomes pixels: three from libjpeg, four in Pillow, six of coefficients.
PIXEL_BYTES = 13


@timings.stage("decode")
def pixels(jpeg: bytes, resize: int, crop: int) -> NDArray[np.uint8]:
    """Decodes a canonical JPEG into the square that a model takes.

    The short side is resized to `resize` (bicubic, antialiased) and the centre is cut out, both in
    one step, so that only pixels that are kept are computed.

    Args:
        jpeg: a canonical JPEG.
        resize: short side R, pixels.
        crop: side of the centre crop S, pixels; at most R.
    Returns:
        uint8 [S, S, 3], RGB.
    Raises:
        ImageUnreadable: the bytes are damaged.
        TooBusy: other images took the budget for too long.
    """
    with budget.BUDGET.taken(PIXEL_BYTES * turbojpeg.count_pixels(jpeg)):
        return _centre(decoded(jpeg), resize, crop)


def _centre(rgb: Image.Image, resize: int, crop: int) -> NDArray[np.uint8]:
    left, top, side = square(rgb.size, resize, crop)
    box = (left, top, left + side, top + side)
    return np.asarray(rgb.resize((crop, crop), Image.Resampling.BICUBIC, box=box))


def square(size: tuple[int, int], resize: int, crop: int) -> tuple[float, float, float]:
    """Returns left, top and side of the square that a model takes, in pixels of an image.

    Args:
        size: width and height of the image.
    """
    side = min(size) * crop / resize
    return (size[0] - side) / 2, (size[1] - side) / 2, side


def decoded(jpeg: bytes) -> Image.Image:
    """Decodes a canonical JPEG into RGB. Raises ImageUnreadable."""
    rgb = turbojpeg.decode(jpeg)
    if rgb is not None:
        return Image.fromarray(rgb)
    with translated(), Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        return image.convert("RGB")
