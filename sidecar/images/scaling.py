"""Scales images down while they are decoded, and before they are converted.

What comes later then works on an image that is small, whatever the upload was.
"""

from dataclasses import dataclass

from PIL import Image

JPEG_MAX_SIDE = 65_500  # libjpeg's own limit
GAP = 2.0  # times the final size: what averaging whole blocks leaves to the bicubic filter
BAND_PIXELS = 1 << 20  # converted and averaged at once
AVERAGED = frozenset({"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "1", "P", "PA", "RGBX"})
CODESTREAM, STYLE = b"\xff\x4f\xff\x51", b"\xff\x52"  # of JPEG 2000: SOC with SIZ, COD
HEAD_BYTES = 1 << 16  # in which the codestream begins, unless metadata are larger
STYLE_LEVELS = 9  # bytes from the marker to the number of levels


@dataclass(frozen=True)
class Plan:
    """How an image gets to the size at which it is kept.

    Args:
        size: at which it is kept, pixels.
        factors: blocks of so many pixels, horizontally and vertically, are averaged first.
    """

    size: tuple[int, int]
    factors: tuple[int, int]

    @property
    def is_reducing(self) -> bool:
        """Whether there is anything to average."""
        return self.factors != (1, 1)


def plan(image: Image.Image, short_side: int) -> Plan:
    """Plans how to scale an image to a short side, never up, and to a long side that a JPEG may
    have."""
    width, height = image.size
    scale = min(1.0, short_side / min(image.size), JPEG_MAX_SIDE / max(image.size))
    if scale == 1:
        return Plan(image.size, (1, 1))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if image.mode not in AVERAGED:
        return Plan(size, (1, 1))
    return Plan(size, (int(width / size[0] / GAP) or 1, int(height / size[1] / GAP) or 1))


def draft(image: Image.Image, short_side: int) -> None:
    """Has the decoder scale, to no less than `short_side`, where its format can: JPEG by up to 8,
    JPEG 2000 by its levels. Nothing is decoded here."""
    if image.format == "JPEG2000":
        _draft_jpeg2000(image, short_side)
    else:
        image.draft("RGB", (short_side, short_side))


def reduced(image: Image.Image, factors: tuple[int, int]) -> Image.Image:
    """Averages blocks of pixels, band by band, so that no second image of the full size is made.

    Returns:
        the image in a mode that can be averaged, with its `info`; transparency is alpha then.
    """
    (width, height), (across, down) = image.size, factors
    band = down * max(1, BAND_PIXELS // (width * down))
    result: Image.Image | None = None
    for top in range(0, height, band):
        part = _averaged(image.crop((0, top, width, min(top + band, height))), factors)
        if result is None:
            result = Image.new(part.mode, (-(-width // across), -(-height // down)))
        result.paste(part, (0, top // down))
    assert result is not None
    result.info = {key: each for key, each in image.info.items() if key != "transparency"}
    return result


def scaled(image: Image.Image, plan: Plan, full_size: tuple[int, int]) -> Image.Image:
    """Scales what `reduced` left of an image to the size at which it is kept.

    Args:
        full_size: of the image that was reduced.
    """
    if image.size == plan.size:
        return image
    box = (0.0, 0.0, full_size[0] / plan.factors[0], full_size[1] / plan.factors[1])
    return image.resize(plan.size, Image.Resampling.BICUBIC, box=box)


def _averaged(band: Image.Image, factors: tuple[int, int]) -> Image.Image:
    if band.mode == "1":
        band = band.convert("L")
    if "transparency" in band.info or band.mode in ("P", "PA"):
        band = band.convert("RGBA" if band.has_transparency_data else "RGB")
    return band.reduce(factors)


def _draft_jpeg2000(image: Image.Image, short_side: int) -> None:
    most = min(_jpeg2000_levels(image), (min(image.size) // short_side).bit_length() - 1)
    for levels in range(most, 0, -1):
        if all(_is_rounded_up(side, 1 << levels) for side in image.size):
            image.reduce = levels  # type: ignore[method-assign,assignment]
            return


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
