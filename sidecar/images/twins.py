"""Made twins of a photo: what becomes of an image that is saved, scaled or edited again.

By them the probability of the same image is fitted and checked.
"""

from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageEnhance

LOW = 40  # quality of what was saved too often

Change = Callable[[Image.Image], Image.Image]


def _scaled(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 3 // 5, image.height * 3 // 5), Image.Resampling.LANCZOS)


def _cropped(image: Image.Image) -> Image.Image:
    """Returns it without 5 % of its width and height."""
    left, upper = image.width // 40, image.height // 40
    return image.crop((left, upper, image.width - left, image.height - upper))


def _marked(image: Image.Image) -> Image.Image:
    marked = image.copy()
    place, size = (image.width // 10, image.height * 9 // 20), max(12, image.width // 9)
    ImageDraw.Draw(marked).text(place, "SAMPLE (c)", fill=(255, 255, 255), font_size=size)
    return marked


CHANGES: dict[str, Change] = {  # in turn
    "recompressed": lambda image: image,
    "scaled": _scaled,
    "cropped": _cropped,
    "brightened": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "watermarked": _marked,
    "rotated": lambda image: image.rotate(2, Image.Resampling.BICUBIC),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


def twin(file: bytes, kind: str) -> bytes:
    """Returns a twin of an image file, a JPEG; `kind` is one of `CHANGES`."""
    changed = CHANGES[kind](Image.open(BytesIO(file)).convert("RGB"))
    return saved(changed, LOW if kind == "recompressed" else 85)


def saved(image: Image.Image, quality: int) -> bytes:
    """Returns an image as a JPEG."""
    made = BytesIO()
    image.save(made, "JPEG", quality=quality)
    return made.getvalue()
