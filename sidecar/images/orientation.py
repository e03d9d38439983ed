"""Turns an image upright, as its metadata say.

Sources: CIPA DC-008 (Exif 2.32), tag 0x0112; XMP part 1, tiff:Orientation.
"""

from PIL import ExifTags, Image

UPRIGHT = 1
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """Returns how an image is to be turned, as Exif counts: what Exif says, else what XMP does."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
    except Exception:  # damaged metadata turn nothing
        return UPRIGHT


def upright(image: Image.Image, turn: int) -> Image.Image:
    """Turns an image by what `orientation` returned."""
    method = TURNS.get(turn)
    return image if method is None else image.transpose(method)
