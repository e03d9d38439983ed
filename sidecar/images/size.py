"""The size of an image in pixels, out of the beginning of its file."""

from sidecar.errors import ImageUnreadable
from sidecar.images.formats import opened, translated


def size_of(head: bytes) -> tuple[int, int] | None:
    """Returns width and height in pixels as a file says them, without decoding it; None where the
    beginning that is given does not say them."""
    try:
        with translated(), opened(head) as image:
            return image.size
    except ImageUnreadable:
        return None
