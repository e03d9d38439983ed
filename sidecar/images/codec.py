"""Decodes and encodes images: the first step of their path. Only this package knows Pillow.

An upload becomes its *canonical JPEG* once. Features are only ever made from that, so a later model
can make its own from what is stored.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sidecar.errors import ImageTooLarge, ImageUnreadable, SimilarityError
from sidecar.images import background, colours, formats, layouts, turbojpeg
from sidecar.telemetry import timings

JPEG_QUALITY = 95
FULL_COLOUR = 0  # 4:4:4; half the resolution of colour would change small graphics
JPEG_MAX_SIDE = 65_500  # libjpeg's own limit

# Pillow's own limit warns at one size and raises at another; ours is the setting MAX_IMAGE_PIXELS.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class ImageRules:
    """Limits the size of an upload, and sets the size at which it is kept.

    Args:
        canonical_size: short side of the canonical JPEG, pixels.
        max_pixels: limit of an upload's width times height.
    """

    canonical_size: int
    max_pixels: int


@timings.stage("decode")
def canonical(upload: bytes, rules: ImageRules) -> bytes:
    """Turns an uploaded file into the JPEG that is stored, shown and embedded.

    The image is turned upright, scaled down (never up) to a short side of `rules.canonical_size`,
    converted to sRGB, and laid on a background where it is transparent; nothing is cropped. A plain
    JPEG that is small enough already is kept byte for byte; `pixels` finds out whether it can be
    decoded.

    Raises:
        ImageUnreadable: not an image that `formats` reads, or cut short, or of a kind with no RGB
            meaning.
        ImageTooLarge: more than `rules.max_pixels`.
    """
    with _translated(), formats.opened(upload) as image:
        _check_size(image, rules)
        if _is_canonical(image, rules.canonical_size):
            return upload
        image.draft("RGB", (rules.canonical_size, rules.canonical_size))
        return _encode(_to_srgb(_shrink(_upright(image), rules.canonical_size)))


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
    """
    rgb = _decode_jpeg(jpeg)
    side = min(rgb.size) * crop / resize
    left, top = (rgb.width - side) / 2, (rgb.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(rgb.resize((crop, crop), Image.Resampling.BICUBIC, box=box))


def _decode_jpeg(jpeg: bytes) -> Image.Image:
    rgb = turbojpeg.decode(jpeg)
    if rgb is not None:
        return Image.fromarray(rgb)
    with _translated(), Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        return image.convert("RGB")


@contextmanager
def _translated() -> Iterator[None]:
    """Translates Pillow's errors: its decoders meet hostile files with errors of any kind."""
    try:
        yield
    except SimilarityError:
        raise
    except Exception as error:
        raise ImageUnreadable(f"the data is no readable image: {error}") from error


def _check_size(image: Image.Image, rules: ImageRules) -> None:
    """Refuses a bomb by its header, before a pixel is decoded."""
    width, height = image.size
    if width * height > rules.max_pixels:
        raise ImageTooLarge(
            f"the image has {width} x {height} pixels, more than {rules.max_pixels:,} "
            "(MAX_IMAGE_PIXELS)"
        )
    if min(width, height) * JPEG_MAX_SIDE < max(width, height):
        raise ImageUnreadable(
            f"the image has {width} x {height} pixels: too long and thin to be kept as a JPEG"
        )


def _is_canonical(image: Image.Image, size: int) -> bool:
    """Returns whether a JPEG is small enough, in sRGB, and free of metadata, which may turn the
    image or name a place."""
    plain = image.format == "JPEG" and image.mode in ("RGB", "L") and "exif" not in image.info
    return plain and min(image.size) <= size and colours.is_srgb(image)


def _upright(image: Image.Image) -> Image.Image:
    """Decodes an image, in 8 bits a sample, and turns it."""
    return ImageOps.exif_transpose(layouts.plain(layouts.whole(image)))


def _to_srgb(image: Image.Image) -> Image.Image:
    """Converts 8 bits a sample to RGB in sRGB, laid on a background where it is transparent."""
    return background.laid_down(colours.to_srgb(image))


def _shrink(image: Image.Image, short_side: int) -> Image.Image:
    """Scales an image down to `short_side`, keeping its shape; a smaller one stays as it is."""
    scale = short_side / min(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=FULL_COLOUR)
    return out.getvalue()


def decode(upload: bytes) -> NDArray[np.uint8]:
    """Decodes a whole image file of any format that is read, for tools that cut it up.

    Returns:
        uint8 [H, W, 3], RGB.
    Raises:
        ImageUnreadable: as for `canonical`.
    """
    with _translated(), formats.opened(upload) as image:
        return np.asarray(_to_srgb(_upright(image)))


def encode(rgb: NDArray[np.uint8], short_side: int) -> bytes:
    """Scales uint8 [H, W, 3] RGB down to a short side and encodes it as a canonical JPEG."""
    return _encode(_shrink(Image.fromarray(rgb), short_side))
