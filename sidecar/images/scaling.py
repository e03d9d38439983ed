"""Scales images down while they are decoded, and before they are converted.

What comes later then works on an image that is small, whatever the upload was.
"""

from dataclasses import dataclass

from PIL import Image

from sidecar.images import layouts

Size = tuple[int, int]
JPEG_MAX_SIDE = 65_500  # libjpeg's own limit
GAP = 2.0  # times the final size: what averaging whole blocks leaves to the bicubic filter
BAND_PIXELS = 1 << 18  # converted and averaged at once
CODESTREAM, STYLE = b"\xff\x4f\xff\x51", b"\xff\x52"  # of JPEG 2000: SOC with SIZ, COD
HEAD_BYTES = 1 << 16  # in which the codestream begins, unless metadata are larger
STYLE_LEVELS = 9  # bytes from the marker to the number of levels


@dataclass(frozen=True)
class Plan:
    """How an image gets to the size at which it is kept.

    Args:
        size: at which it is kept, pixels.
        factors: blocks of so many pixels, horizontally and vertically, are averaged first.
        left: pixels that are left then.
    """

    size: Size
    factors: Size
    left: int


def plan(full: Size, short_side: int) -> Plan:
    """Plans how to scale an image to a short side, never up, and to a long side that a JPEG may
    have."""
    width, height = full
    scale = min(1.0, short_side / min(full), JPEG_MAX_SIDE / max(full))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    factors = int(width / size[0] / GAP) or 1, int(height / size[1] / GAP) or 1
    return Plan(size, factors, width * height // (factors[0] * factors[1]))


def draft(image: Image.Image, short_side: int) -> Size:
    """Has the decoder scale, to no less than `short_side`, where its format can: JPEG by up to 8,
    JPEG 2000 by its levels. Nothing is decoded here.

    Returns:
        the size that the decoder will give.
    """
    if image.format == "JPEG2000":
        return _draft_jpeg2000(image, short_side)
    image.draft("RGB", (short_side, short_side))
    return image.size


def scaled(image: Image.Image, plan: Plan) -> Image.Image:
    """Scales an image, and makes its samples plain (`layouts.plain`)."""
    (width, height), (across, down) = image.size, plan.factors
    small = layouts.plain(image) if plan.factors == (1, 1) else _reduced(image, plan.factors)
    if small.size == plan.size:
        return small
    box = (0.0, 0.0, width / across, height / down)
    return small.resize(plan.size, Image.Resampling.BICUBIC, box=box)


def _reduced(image: Image.Image, factors: Size) -> Image.Image:
    """Averages blocks of pixels, band by band, so that no second image of the full size is made.

    Returns:
        the image in a mode of `layouts.PLAIN`, with its `info`; transparency is alpha then.
    """
    (width, height), (across, down) = image.size, factors
    band = down * max(1, BAND_PIXELS // (width * down))
    result: Image.Image | None = None
    for top in range(0, height, band):
        part = layouts.plain(image.crop((0, top, width, min(top + band, height)))).reduce(factors)
        if result is None:
            result = Image.new(part.mode, (-(-width // across), -(-height // down)))
        result.paste(part, (0, top // down))
    assert result is not None
    result.info = {key: each for key, each in image.info.items() if key != "transparency"}
    return result


def _draft_jpeg2000(image: Image.Image, short_side: int) -> Size:
    most = min(_jpeg2000_levels(image), (min(image.size) // short_side).bit_length() - 1)
    for levels in range(most, 0, -1):
        if all(_is_rounded_up(side, 1 << levels) for side in image.size):
            image.reduce = levels  # type: ignore[method-assign,assignment]
            return -(-image.width >> levels), -(-image.height >> levels)
    return image.size


def _is_rounded_up(side: int, by: int) -> bool:
    """Returns whether Pillow, which rounds, takes a side to be as long as OpenJPEG makes it."""
    return (side + by // 2) // by == -(-side // by)


def _jpeg2000_levels(image: Image.Image) -> int:
    """Returns how often a JPEG 2000 may be halved. Source: ITU-T T.800, Annex A."""
    file = image.fp  # type: ignore[attr-defined]
    place = file.tell()
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(place)
    at = head.find(CODESTREAM) + 2
    while at >= 2 and head[at : at + 1] == b"\xff" and at + STYLE_LEVELS < len(head):
        if head[at : at + 2] == STYLE:
            return int(head[at + STYLE_LEVELS])
        at += 2 + int.from_bytes(head[at + 2 : at + 4])
    return 0
