"""Reads the part of an image that a request is about."""

import math

import falcon

from sidecar.errors import WrongArguments
from sidecar.images import Box

BOX, OTHER_BOX = "box", "other_box"
ROUNDING = 1e-6  # by which a sum of two fractions may be over 1


def box(req: falcon.Request, name: str = BOX) -> Box | None:
    """Returns the part in a parameter; None, the whole image, without it.

    Raises:
        WrongArguments: it is no part of an image.
    """
    text = req.get_param(name)
    return None if text is None else parsed(text, name)


def parsed(text: str, name: str = BOX) -> Box:
    """Reads a part from text such as 0.1,0,0.5,1.

    Args:
        name: of the parameter, for the error.
    Raises:
        WrongArguments: it is no part of an image.
    """
    try:
        numbers = [float(each) for each in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise WrongArguments(f"{name} must be four numbers, x,y,w,h, not {text[:80]!r}")
    x, y, width, height = numbers
    is_inside = min(x, y) >= 0 and max(x + width, y + height) <= 1 + ROUNDING
    if not is_inside or min(width, height) <= 0:
        raise WrongArguments(
            f"{name} must lie within the image, in fractions of its sides from 0 to 1, and have a "
            f"size, not {text[:80]!r}"
        )
    return Box(x, y, width, height)
