"""Bytes to pixels: the first step of the path of an image. The one door to Pillow.

An upload becomes its *canonical JPEG* once, and features are only ever made from that, so that
a later model can make its own features from what is stored.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from sidecar.errors import ImageTooLarge, ImageUnreadable, SimilarityError
from sidecar.images.turbojpeg import decode as decode_jpeg
from sidecar.telemetry import timings

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
JPEG_QUALITY = 95
JPEG_MAX_SIDE = 65_500  # libjpeg's own limit
WHITE = (255, 255, 255)

# Pillow's own guard warns at one size and raises at another; ours is the setting MAX_IMAGE_PIXELS.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class ImageRules:
    """How large an image may come, and how large it is kept.

    Args:
        canonical_size: short side of the canonical JPEG, pixels.
        max_pixels: width times height that an upload may have.
    """

    canonical_size: int
    max_pixels: int


@timings.stage("decode")
def canonical(upload: bytes, rules: ImageRules) -> bytes:
    """Turn an uploaded file into the JPEG that is stored, shown and embedded.

    The image is turned upright, laid on white where it is transparent, brought to RGB and scaled
    down (never up) to a short side of `rules.canonical_size`; nothing is cropped. A plain JPEG that
    is small enough already is kept byte for byte; that it can be decoded is left to `pixels`.

    Raises:
        ImageUnreadable: not an image of `FORMATS`, or cut short, or of a kind with no RGB meaning.
        ImageTooLarge: more than `rules.max_pixels`.
    """
    with _reading(), Image.open(io.BytesIO(upload), formats=FORMATS) as image:
        _check_size(image, rules)
        if _is_canonical(image, rules.canonical_size):
            return upload
        image.draft("RGB", (rules.canonical_size, rules.canonical_size))
        upright = ImageOps.exif_transpose(image)
        return _encode(_shrink(_to_rgb(upright), rules.canonical_size))


@timings.stage("decode")
def pixels(jpeg: bytes, resize: int, crop: int) -> NDArray[np.uint8]:
    """Decode a canonical JPEG into what a model takes.

    The short side is resized to `resize` (bicubic, antialiased) and the centre cut out; both are
    one step here, so that only pixels that are kept are computed.

    Args:
        jpeg: a canonical JPEG.
        resize: short side R, pixels.
        crop: side of the centre crop S, pixels; at most R.
    Returns:
        uint8 [S, S, 3], RGB.
    Raises:
        ImageUnreadable: the bytes are damaged.
    """
    rgb = _whole(jpeg)
    side = min(rgb.size) * crop / resize
    left, top = (rgb.width - side) / 2, (rgb.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(rgb.resize((crop, crop), Image.Resampling.BICUBIC, box=box))


def _whole(jpeg: bytes) -> Image.Image:
    decoded = decode_jpeg(jpeg)
    if decoded is not None:
        return Image.fromarray(decoded)
    with _reading(), Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        return image.convert("RGB")


@contextmanager
def _reading() -> Iterator[None]:
    """Translate whatever Pillow raises: its decoders meet hostile files with errors of any kind."""
    try:
        yield
    except SimilarityError:
        raise
    except UnidentifiedImageError as error:  # its own text names an object in memory
        raise ImageUnreadable(f"the data is no readable image of {', '.join(FORMATS)}") from error
    except Exception as error:
        raise ImageUnreadable(f"the data is no readable image: {error}") from error


def _check_size(image: Image.Image, rules: ImageRules) -> None:
    """Refuse a bomb by its header, before a pixel is decoded."""
    width, height = image.size
    if width * height > rules.max_pixels:
        raise ImageTooLarge(
            f"the image has {width} x {height} pixels; at most {rules.max_pixels} are allowed"
        )
    if min(width, height) * JPEG_MAX_SIDE < max(width, height):
        raise ImageUnreadable(f"the image is {width} x {height} pixels: too long and thin")


def _is_canonical(image: Image.Image, size: int) -> bool:
    """A JPEG without metadata (it may turn the image, or tell a place) and of no more than size."""
    plain = image.format == "JPEG" and image.mode in ("RGB", "L")
    return plain and min(image.size) <= size and not image.info.keys() & {"exif", "icc_profile"}


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode that an upload may have to RGB, with white where it is transparent."""
    if image.mode.startswith("I"):  # 16-bit grey; convert() would clip it at 255
        grey = np.asarray(image).astype(np.int64)
        return Image.fromarray((grey.clip(0, 65_535) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ImageUnreadable("floating-point pixels have no agreed meaning as a photo")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, (*WHITE, 255)), layer).convert(
            "RGB"
        )
    return image.convert("RGB")


def _shrink(image: Image.Image, short_side: int) -> Image.Image:
    """Scale down, keeping the shape, to `short_side`; a smaller image stays as it is."""
    scale = short_side / min(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def decode(upload: bytes) -> NDArray[np.uint8]:
    """Decode a whole image file of any of `FORMATS`, for tools that cut it up.

    Returns:
        uint8 [H, W, 3], RGB.
    Raises:
        ImageUnreadable: as for `canonical`.
    """
    with _reading(), Image.open(io.BytesIO(upload), formats=FORMATS) as image:
        return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))


def encode(rgb: NDArray[np.uint8], short_side: int) -> bytes:
    """Scale uint8 [H, W, 3] RGB down to a short side and encode it as the canonical JPEG is."""
    return _encode(_shrink(Image.fromarray(rgb), short_side))
