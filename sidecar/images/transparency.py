"""Lays an image with transparency on a background, chosen so that the image can be seen."""

import numpy as np
from PIL import Image

WHITE, MID_GREY = (255, 255, 255), (128, 128, 128)
# A pixel is near white if no channel is below this level.
NEAR_WHITE = 224


def laid_down(image: Image.Image) -> Image.Image:
    """Returns an RGB image; an RGBA one laid on white, or on mid grey if white would hide it.

    White hides it if more than half of what is visible, counted by opacity, is near white: white
    logos on white would all be the same image.
    """
    if image.mode != "RGBA":
        return image
    pixels = np.asarray(image)
    if pixels[..., 3].min() == 255:
        return image.convert("RGB")
    colour = MID_GREY if _is_pale(pixels) else WHITE
    ground = Image.new("RGBA", image.size, (*colour, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def _is_pale(pixels: np.ndarray) -> bool:
    """Returns whether most of what is visible in uint8 [H, W, 4] RGBA is near white."""
    opacity = pixels[..., 3]
    pale = opacity[(pixels[..., :3] >= NEAR_WHITE).all(axis=-1)]
    return int(pale.sum(dtype=np.int64)) * 2 > int(opacity.sum(dtype=np.int64))
