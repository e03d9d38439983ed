"""Cuts a part out of a canonical JPEG, as if that part had been uploaded by itself."""

from dataclasses import dataclass

import numpy as np

from sidecar.errors import ImageUnreadable
from sidecar.images import budget, model_input, turbojpeg
from sidecar.images.codec import encode
from sidecar.images.size import size_of
from sidecar.telemetry import timings

ENCODING_BYTES = 9  # a pixel: its copy, what is encoded, and the JPEG


@dataclass(frozen=True)
class Box:
    """A part of an image, in fractions of the upright one: its left upper corner, and its size."""

    x: float
    y: float
    width: float
    height: float

    def pixels(self, width: int, height: int) -> tuple[slice, slice]:
        """Returns the rows and the columns of an image that it covers, at least one of each: its
        edges are rounded to whole pixels."""
        return _covered(self.y, self.height, height), _covered(self.x, self.width, width)


def seen(jpeg: bytes, resize: int, side: int) -> Box:
    """Returns the part of a canonical JPEG that a model takes.

    Args:
        resize, side: R and S, as `pixels` has them.
    Raises:
        ImageUnreadable: the bytes are damaged.
    """
    size = size_of(jpeg)
    if size is None:
        raise ImageUnreadable("the stored JPEG has no size")
    (width, height), (left, top, seen_side) = size, model_input.square(size, resize, side)
    return Box(left / width, top / height, seen_side / width, seen_side / height)


def _covered(begin: float, size: float, pixels: int) -> slice:
    first = min(round(begin * pixels), pixels - 1)
    return slice(first, max(first + 1, min(round((begin + size) * pixels), pixels)))


@timings.stage("decode")
def part(jpeg: bytes, box: Box | None) -> bytes:
    """Returns the canonical JPEG of a part.

    It is bit for bit what `canonical` makes of a lossless file of these pixels, so a part is
    embedded as any other image is.

    Args:
        jpeg: a canonical JPEG.
        box: None is the whole image, and gives `jpeg` back.
    Raises:
        ImageUnreadable: the bytes are damaged.
        TooBusy: other images took the budget for too long.
    """
    if box is None:
        return jpeg
    cost_bytes = (model_input.PIXEL_BYTES + ENCODING_BYTES) * turbojpeg.count_pixels(jpeg)
    with budget.BUDGET.taken(cost_bytes):
        rgb = model_input.decoded(jpeg)
        cut = np.asarray(rgb)[box.pixels(*rgb.size)]
        return encode(cut, min(cut.shape[:2]))
