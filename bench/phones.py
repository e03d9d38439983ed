"""Makes photos such as phones take: 12 megapixels, some 3 MB, with fine detail.

A packaged photo is scaled to 4,000 x 3,000 pixels, and gets what its own scale has of edges and
grain: the photo less its blur, side by side over the whole. Without these a scaled photo has no
coefficients worth decoding, and its file a tenth of the bytes.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from local import photos

WIDTH, HEIGHT = 4000, 3000  # pixels
BLUR = 3  # pixels
QUALITY = 92  # with half the resolution of colour, as phones encode


def phone_photos(count: int | None = None) -> list[bytes]:
    """Returns a JPEG of each packaged photo, or of the first few."""
    return [_phone_photo(path.read_bytes()) for path in photos.packaged()[:count]]


def _phone_photo(file: bytes) -> bytes:
    with Image.open(io.BytesIO(file)) as image:
        photo = image.convert("RGB")
    large = np.asarray(photo.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), np.int16)
    detail = np.asarray(photo, np.int16) - np.asarray(
        photo.filter(ImageFilter.GaussianBlur(BLUR)), np.int16
    )
    out = io.BytesIO()
    whole = np.clip(large + _tiled(detail), 0, 255).astype(np.uint8)
    Image.fromarray(whole).save(out, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return out.getvalue()


def _tiled(detail: NDArray[np.int16]) -> NDArray[np.int16]:
    times = (-(-HEIGHT // detail.shape[0]), -(-WIDTH // detail.shape[1]), 1)
    return np.tile(detail, times)[:HEIGHT, :WIDTH]
