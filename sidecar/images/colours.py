"""Brings the colours of an image to sRGB. The one door to LittleCMS.

Source: ICC.1:2022. Colours go by the perceptual intent, which is what browsers show.
"""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 4 * 2**20
KEPT = 8
# The colour spaces that a profile may name, and the modes that fit each; grey fits RGB's axis.
MODES = {"RGB ": ("RGB", "RGBA", "L", "LA"), "GRAY": ("L", "LA"), "CMYK": ("CMYK",)}
INPUTS = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
CLASSES = ("mntr", "scnr", "prtr", "spac")
# A transform that moves no colour by more than this is that of sRGB.
SAME_LEVELS = 2

Transform = ImageCms.ImageCmsTransform
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def to_srgb(image: Image.Image) -> Image.Image:
    """Converts an image of `layouts.plain` to sRGB, by the ICC profile in its `info`.

    One without a profile is taken for sRGB, or for plain inks if it is CMYK. A profile that is
    damaged, over `MAX_PROFILE_BYTES`, or for another kind of colour is passed over.

    Returns:
        RGB or RGBA.
    """
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colours = _converted(image)
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def is_srgb(image: Image.Image) -> bool:
    """Returns whether an image means sRGB: without a usable profile, or with one of sRGB."""
    return image.mode in ("L", "RGB") and _transform(image) is None


def _converted(image: Image.Image) -> Image.Image:
    transform = _lab() if image.mode == "LAB" else _transform(image)
    if transform is None:
        return image.convert("RGB")
    return transform.apply(image.convert(transform.input_mode))


@lru_cache(maxsize=KEPT)
def _lab() -> Transform:
    return Transform(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), SRGB, "LAB", "RGB")


def _transform(image: Image.Image) -> Transform | None:
    """Returns what brings the image to sRGB; None where nothing does, or nothing has to."""
    profile = image.info.get("icc_profile")
    if not profile or len(profile) > MAX_PROFILE_BYTES:
        return None
    return _made(profile, image.mode)


# Making one takes longer than applying it, and the images of one source have the same profile.
@lru_cache(maxsize=KEPT)
def _made(profile: bytes, mode: str) -> Transform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space, kind = source.profile.xcolor_space, source.profile.device_class
        if mode not in MODES.get(space, ()) or kind not in CLASSES:
            return None
        transform = Transform(source, SRGB, INPUTS[space], "RGB", ImageCms.Intent.PERCEPTUAL)
        return transform if _moves(transform) else None
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return None  # damaged


def _moves(transform: Transform) -> bool:
    """Returns whether a transform changes any colour that a model could see."""
    if transform.input_mode == "CMYK":
        return True
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    if transform.input_mode == "L":
        colours = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 1, 3))
    before = Image.fromarray(np.ascontiguousarray(colours))
    after = np.asarray(transform.apply(before.convert(transform.input_mode)))
    return int(np.abs(after.astype(int) - colours).max()) > SAME_LEVELS
