"""Decodes and encodes images: the first step of their path. Only this package knows Pillow.

An upload becomes its *canonical JPEG* once. Features are only ever made from that, so a later model
can make its own from what is stored.
"""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sidecar.errors import ImageUnreadable
from sidecar.images import budget, colours, cost, formats, keeping, layouts, scaling, transparency
from sidecar.images.budget import TimedFile
from sidecar.images.cost import Header
from sidecar.images.jpeg import Container
from sidecar.images.jpeg import read as read_container
from sidecar.images.keeping import Facts
from sidecar.images.limits import ImageRules
from sidecar.images.orientation import UPRIGHT, orientation, upright
from sidecar.images.truncated import ended
from sidecar.telemetry import timings

JPEG_QUALITY = 95
FULL_COLOUR = 0  # 4:4:4; half the resolution of colour would change small graphics


@timings.stage("decode")
def canonical(upload: bytes, rules: ImageRules) -> bytes:
    """Turns an uploaded file into the JPEG that is stored, shown and embedded.

    The image is scaled down (never up) to a short side of `rules.canonical_size`, converted to
    sRGB, laid on a background where it is transparent, and turned upright; nothing is cropped. A
    plain JPEG that is small enough already keeps its pixels bit for bit, and loses everything else
    (`keeping`); `pixels` finds out whether it can be decoded.

    Raises:
        ImageUnreadable: not an image that `formats` reads, or cut short, or of a kind with no RGB
            meaning.
        ImageTooLarge: more than `rules` or the budget allow.
        TooBusy: other images took the budget for too long.
    """
    with formats.translated():
        container = _container(upload)
        with _opened(container.file if container else upload, container, rules) as image:
            rules.check(image)
            if container is not None and _is_kept(image, container, rules):
                return container.stripped()
            cost_bytes = _cost_bytes(image, container, len(upload), rules.canonical_size)
            budget.BUDGET.check(cost_bytes)
            with budget.BUDGET.taken(cost_bytes):
                return _encoded(_small(image, rules.canonical_size))


def _container(upload: bytes) -> Container | None:
    """Reads the segments of a JPEG, and gives it an end where it has none; None for others."""
    container = read_container(upload)
    if container is None:
        return None
    keeping.check_scans(container)
    return container if container.is_whole else ended(container)


def _opened(upload: bytes, container: Container | None, rules: ImageRules) -> Image.Image:
    """Reads the header. Of a JPEG with metadata that Pillow can't read, they are left out."""

    def timed(data: bytes) -> TimedFile:
        return TimedFile(data, rules.max_decode_s)

    try:
        return formats.opened(upload, timed)
    except (OSError, ImageUnreadable):
        if container is None:
            raise
        return formats.opened(container.stripped(), timed)


def _is_kept(image: Image.Image, container: Container, rules: ImageRules) -> bool:
    facts = Facts(
        mode=image.mode,
        short_side=min(image.size),
        is_upright=orientation(image) == UPRIGHT,
        has_profile=not colours.is_srgb(image),
    )
    return keeping.is_kept(container, facts, rules.canonical_size)


def _cost_bytes(
    image: Image.Image, container: Container | None, file_bytes: int, short_side: int
) -> int:
    """Has the decoder scale where it can, and reckons what the image takes until it is encoded."""
    size = scaling.draft(image, short_side)
    header = Header(
        kind=image.format or "",
        mode=image.mode,
        decoded=size[0] * size[1],
        left=scaling.plan(size, short_side).left,
        file_bytes=file_bytes,
        coefficient_bytes=container.held_bytes if container else 0,
    )
    return cost.decode_bytes(header)


def _small(image: Image.Image, short_side: int) -> Image.Image:
    """Loads an image and makes it small, RGB in sRGB, opaque and upright.

    What the header said is asked again: of some formats, mode, size and Exif come with the pixels.
    """
    whole = layouts.whole(image)
    small = scaling.scaled(whole, scaling.plan(whole.size, short_side))
    return upright(transparency.laid_down(colours.to_srgb(small)), orientation(image))


def _encoded(image: Image.Image) -> bytes:
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
    with formats.translated(), formats.opened(upload) as image:
        return np.asarray(_small(image, short_side=min(image.size)))


def encode(rgb: NDArray[np.uint8], short_side: int) -> bytes:
    """Scales uint8 [H, W, 3] RGB down to a short side and encodes it as a canonical JPEG."""
    image = Image.fromarray(rgb)
    return _encoded(scaling.scaled(image, scaling.plan(image.size, short_side)))
