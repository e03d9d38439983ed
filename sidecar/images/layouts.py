"""Brings the samples of any opened image to 8 bits, with their meaning kept or refused by name.

What a mode of Pillow does not say of a file's samples is noted when the file is opened (`note`).
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from sidecar.errors import ImageUnreadable

Box = tuple[int, int, int, int]
PLAIN = ("L", "LA", "RGB", "RGBA", "CMYK", "LAB")


@dataclass(frozen=True)
class Layout:
    """Says what a mode of Pillow does not.

    Args:
        bits: of each sample, where the mode has more than 8.
        white_is_zero: of wide grey.
        black_is_one: of pixels of one bit.
        is_opaque: what Pillow takes for transparency is none.
        may_lack_alpha: the channel is none if it hides everything: old programs leave it empty.
        covered: the box that the first frame covers; beyond it, nothing is.
    """

    bits: int = 16
    white_is_zero: bool = False
    black_is_one: bool = False
    is_opaque: bool = False
    may_lack_alpha: bool = False
    covered: Box | None = None


def note(image: Image.Image, **known: Any) -> Image.Image:
    """Notes fields of `Layout` in the `info` of an opened image, and returns it."""
    image.info["layout"] = replace(_layout(image), **known)
    return image


def whole(image: Image.Image) -> Image.Image:
    """Loads an image and settles what shows in all of its pixels only: what of it is transparent.

    What the first frame of a GIF leaves uncovered is. A channel that hides everything is none in
    the formats that may lack it.
    """
    image.load()
    layout = _layout(image)
    if layout.covered and layout.covered != (0, 0, *image.size):
        return _cut_out(image, layout.covered)
    if layout.may_lack_alpha and _is_hidden(image):
        note(image, is_opaque=True)
    return image


def plain(image: Image.Image) -> Image.Image:
    """Converts an image, or a part of it, to one of the modes `PLAIN`; its `info` is kept.

    Grey of more than 8 bits keeps its high ones.

    Raises:
        ImageUnreadable: floating-point samples, which have no agreed white.
    """
    result = _with_alpha(image)
    if _layout(image).is_opaque and result.mode in ("LA", "RGBA"):
        result = result.convert(result.mode[:-1])
    if result is not image:
        result.info = {key: value for key, value in image.info.items() if key != "transparency"}
    return result


def _layout(image: Image.Image) -> Layout:
    layout = image.info.get("layout", Layout())
    assert isinstance(layout, Layout)
    return layout


def _with_alpha(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _narrow_grey(image)
    if image.mode == "F":
        raise ImageUnreadable("floating-point pixels have no agreed meaning as a photo")
    if image.mode == "La":
        return image.convert("LA")
    if image.has_transparency_data and image.mode not in ("LA", "RGBA"):
        return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
    if image.mode == "1":
        grey = image.convert("L")
        return ImageOps.invert(grey) if _layout(image).black_is_one else grey
    return image if image.mode in PLAIN else image.convert("RGB")


def _narrow_grey(image: Image.Image) -> Image.Image:
    """Converts grey of 12, 16 or 32 bits, with a PNG's transparent value, to grey of 8."""
    layout = _layout(image)
    samples = np.asarray(image)
    if samples.dtype.kind == "i":  # Pillow's 32 bits have a sign, the file's have none
        samples = samples.view(np.uint32)
    high = (samples >> (layout.bits - 8)).astype(np.uint8)
    grey = Image.fromarray(~high if layout.white_is_zero else high)
    hidden = image.info.get("transparency")
    if hidden is not None:
        grey.putalpha(Image.fromarray(np.where(samples == hidden, np.uint8(0), np.uint8(255))))
    return grey


def _is_hidden(image: Image.Image) -> bool:
    return image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0)


def _cut_out(image: Image.Image, box: Box) -> Image.Image:
    canvas = Image.new("RGBA", image.size)
    canvas.paste(image.crop(box).convert("RGBA"), box)
    return canvas
