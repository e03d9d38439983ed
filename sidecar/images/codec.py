"""Decodes and encodes images: the first step of their path. The one door to Pillow.

An upload becomes its *canonical JPEG* once. Features are only ever made from that, so a later model
can make its own from what is stored.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from sidecar.errors import ImageTooLarge, ImageUnreadable, SimilarityError
from sidecar.images import cost, keeping, scaling, turbojpeg
from sidecar.images.budget import DecodeBudget, TimedFile
from sidecar.images.cost import Header
from sidecar.images.cut import ended
from sidecar.images.jpeg import Container
from sidecar.images.jpeg import read as read_container
from sidecar.images.keeping import Facts
from sidecar.images.scaling import JPEG_MAX_SIDE, Plan
from sidecar.telemetry import timings

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
JPEG_QUALITY = 95
WHITE = (255, 255, 255)
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
# Of a canonical JPEG while it becomes pixels: three from libjpeg, four in Pillow, six coefficients.
PIXEL_BYTES = 13

BUDGET = DecodeBudget()

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


@timings.stage("decode")
def canonical(upload: bytes, rules: ImageRules) -> bytes:
    """Turns an uploaded file into the JPEG that is stored, shown and embedded.

    The image is turned upright, laid on white where it is transparent, converted to RGB and scaled
    down (never up) to a short side of `rules.canonical_size`; nothing is cropped. A plain JPEG that
    is small enough already keeps its pixels bit for bit, and loses everything else (`keeping`);
    `pixels` finds out whether it can be decoded.

    Raises:
        ImageUnreadable: not an image of `FORMATS`, or cut short, or of a kind with no RGB meaning.
        ImageTooLarge: more than `rules` or the budget allow.
        TooBusy: other images took the budget for too long.
    """
    with _translated():
        container = _container(upload)
        with _opened(container.file if container else upload, container, rules) as image:
            _check_size(image, rules)
            if container is not None and _is_kept(image, container, rules):
                return container.stripped()
            return _encode(_decoded(image, container, rules.canonical_size))


def _container(upload: bytes) -> Container | None:
    """Reads the segments of a JPEG, and gives it an end where it has none; None for others."""
    container = read_container(upload)
    if container is None:
        return None
    keeping.check_scans(container)
    return container if container.is_whole else ended(container)


def _opened(upload: bytes, container: Container | None, rules: ImageRules) -> Image.Image:
    """Reads the header. Of a JPEG with metadata that Pillow can't read, they are left out."""
    try:
        return Image.open(TimedFile(upload, rules.max_decode_s), formats=FORMATS)
    except OSError:
        if container is None:
            raise
        return Image.open(TimedFile(container.stripped(), rules.max_decode_s), formats=FORMATS)


def _decoded(image: Image.Image, container: Container | None, short_side: int) -> Image.Image:
    """Decodes an image, scaled, in RGB and upright, within the budget of the process."""
    scaling.draft(image, short_side)
    plan = scaling.plan(image, short_side)
    cost_bytes = _cost_bytes(image, container, plan)
    BUDGET.check(cost_bytes)
    with BUDGET.taken(cost_bytes):
        image.load()
        turned, full_size = _orientation(image), image.size
        left = scaling.reduced(image, plan.factors) if plan.is_reducing else image
        return _upright(scaling.scaled(_to_rgb(left), plan, full_size), turned)


@timings.stage("decode")
def pixels(jpeg: bytes, resize: int, crop: int) -> NDArray[np.uint8]:
    """Decodes a canonical JPEG into the square that a model takes.

    The short side is resized to `resize` (bicubic, antialiased) and the centre is cut out, both in
    one step, so that only pixels that are kept are computed.

    Args:
        jpeg: a canonical JPEG.
        resize: short side R, pixels.
        crop: side of the centre crop S, pixels; at most R.
    Returns:
        uint8 [S, S, 3], RGB.
    Raises:
        ImageUnreadable: the bytes are damaged.
        TooBusy: other images took the budget for too long.
    """
    with BUDGET.taken(PIXEL_BYTES * turbojpeg.count_pixels(jpeg)):
        return _centre(_decode_jpeg(jpeg), resize, crop)


def _centre(rgb: Image.Image, resize: int, crop: int) -> NDArray[np.uint8]:
    side = min(rgb.size) * crop / resize
    left, top = (rgb.width - side) / 2, (rgb.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(rgb.resize((crop, crop), Image.Resampling.BICUBIC, box=box))


def _decode_jpeg(jpeg: bytes) -> Image.Image:
    rgb = turbojpeg.decode(jpeg)
    if rgb is not None:
        return Image.fromarray(rgb)
    with _translated(), Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        return image.convert("RGB")


@contextmanager
def _translated() -> Iterator[None]:
    """Translates Pillow's errors: its decoders meet hostile files with errors of any kind."""
    try:
        yield
    except SimilarityError:
        raise
    except UnidentifiedImageError as error:  # Pillow's text names an object in memory
        raise ImageUnreadable(f"the data is no readable image of {', '.join(FORMATS)}") from error
    except Exception as error:
        raise ImageUnreadable(f"the data is no readable image: {error}") from error


def _check_size(image: Image.Image, rules: ImageRules) -> None:
    """Refuses a bomb by its header, before a pixel is decoded."""
    width, height = image.size
    if width * height > rules.max_pixels:
        raise ImageTooLarge(
            f"the image has {width} x {height} pixels, more than {rules.max_pixels:,} "
            "(MAX_IMAGE_PIXELS)"
        )
    if min(width, height) * JPEG_MAX_SIDE < max(width, height):
        raise ImageUnreadable(
            f"the image has {width} x {height} pixels: too long and thin to be kept as a JPEG"
        )


def _is_kept(image: Image.Image, container: Container, rules: ImageRules) -> bool:
    facts = Facts(
        mode=image.mode,
        short_side=min(image.size),
        is_upright=_orientation(image) == UPRIGHT,
        has_profile=_has_profile(image),
    )
    return keeping.is_kept(container, facts, rules.canonical_size)


def _has_profile(image: Image.Image) -> bool:
    """Returns whether a colour profile changes what the image's numbers mean."""
    return "icc_profile" in image.info


def _orientation(image: Image.Image) -> int:
    """Returns how an image is to be turned, as Exif counts: what Exif says, else what XMP does.

    Source: CIPA DC-008 (Exif 2.32), tag 0x0112; XMP part 1, tiff:Orientation.
    """
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, UPRIGHT))
    except Exception:  # damaged metadata turn nothing
        return UPRIGHT


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    method = TURNS.get(orientation)
    return image if method is None else image.transpose(method)


def _cost_bytes(image: Image.Image, container: Container | None, plan: Plan) -> int:
    decoded, (across, down) = image.width * image.height, plan.factors
    frame = container.frame if container is not None and container.has_many_scans else None
    return cost.decode_bytes(
        Header(
            kind=image.format or "",
            mode=image.mode,
            decoded=decoded,
            left=decoded // (across * down),
            coefficient_bytes=frame.coefficient_bytes if frame else 0,
        )
    )


def _to_rgb(image: Image.Image) -> Image.Image:
    """Converts any mode that an upload may have to RGB, with white where it is transparent."""
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


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def decode(upload: bytes) -> NDArray[np.uint8]:
    """Decodes a whole image file of any of `FORMATS`, for tools that cut it up.

    Returns:
        uint8 [H, W, 3], RGB.
    Raises:
        ImageUnreadable: as for `canonical`.
    """
    with _translated(), Image.open(io.BytesIO(upload), formats=FORMATS) as image:
        return np.asarray(_upright(_to_rgb(image), _orientation(image)))


def encode(rgb: NDArray[np.uint8], short_side: int) -> bytes:
    """Scales uint8 [H, W, 3] RGB down to a short side and encodes it as a canonical JPEG."""
    image = Image.fromarray(rgb)
    plan = scaling.plan(image, short_side)
    left = scaling.reduced(image, plan.factors) if plan.is_reducing else image
    return _encode(scaling.scaled(left, plan, image.size))
