"""Limits the size of an upload, and sets the size at which it is kept."""

from dataclasses import dataclass

from PIL import Image

from sidecar.errors import ImageTooLarge, ImageUnreadable
from sidecar.images.scaling import JPEG_MAX_SIDE

# Pillow's own limit warns at one size and raises at another; ours is the setting MAX_IMAGE_PIXELS.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class ImageRules:
    """Limits the size of an upload, and sets the size at which it is kept.

    Args:
        canonical_size: short side of the canonical JPEG, pixels.
        max_pixels: limit of an upload's width times height.
        max_decode_s: processor seconds that decoding an upload may take.
    """

    canonical_size: int
    max_pixels: int
    max_decode_s: float = 10.0

    def check(self, image: Image.Image) -> None:
        """Refuses a bomb by its header, before a pixel is decoded.

        Raises:
            ImageTooLarge: more than `max_pixels`.
            ImageUnreadable: no JPEG can keep so long and thin an image.
        """
        width, height = image.size
        if width * height > self.max_pixels:
            raise ImageTooLarge(
                f"the image has {width} x {height} pixels, more than {self.max_pixels:,} "
                "(MAX_IMAGE_PIXELS)"
            )
        if min(width, height) * JPEG_MAX_SIDE < max(width, height):
            raise ImageUnreadable(
                f"the image has {width} x {height} pixels: too long and thin to be kept as a JPEG"
            )
