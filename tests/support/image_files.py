"""Image files made by Pillow, in memory."""

import io
from typing import Any

from PIL import Image


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Writes an image in a format, as `Image.save` names formats and options."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def decoded(file: bytes) -> Image.Image:
    """Opens a file."""
    return Image.open(io.BytesIO(file))
