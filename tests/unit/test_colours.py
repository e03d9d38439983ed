"""Colours are those of the image's profile, in sRGB."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from sidecar.images import ImageRules, canonical, colours, decode
from sidecar.images.jpeg import stripped
from tests.support import image_files
from tests.support.crafted import (
    PROFILE,
    Tags,
    Values,
    grey_profile,
    ink_profile,
    matrix_profile,
    tiff,
)

RULES = ImageRules(canonical_size=384, max_pixels=1_000_000)
Primaries = tuple[Values, Values, Values]
# The primaries in XYZ by D50, times 10,000 (Lindbloom's tables; ICC's registry for Display P3).
ADOBE: Primaries = ((6097, 3111, 195), (2053, 6257, 609), (1492, 632, 7446))
P3: Primaries = ((5151, 2412, -11), (2920, 6922, 419), (1571, 666, 7841))
SRGB: Primaries = ((4361, 2225, 139), (3851, 7169, 971), (1431, 606, 7141))
ROMM: Primaries = ((7977, 2880, 0), (1352, 7119, 0), (313, 1, 8249))
FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"]


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    best: dict[str, dict[str, Any]] = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 95, "subsampling": 0},
    }
    return image_files.encode(image, kind, **options, **best.get(kind, {}))


def flat(colour: tuple[int, ...] | int, mode: str = "RGB", size: int = 40) -> Image.Image:
    return Image.new(mode, (size, size), colour)


def stored(upload: bytes) -> list[int]:
    """The colour in the middle of the canonical JPEG."""
    image = image_files.decoded(canonical(upload, RULES)).convert("RGB")
    return list(image.getpixel((image.width // 2, image.height // 2)))  # type: ignore[arg-type]


def by_formula(colour: Any, profile: Any, gamma: float) -> Any:
    """IEC 61966-2-1, with primaries adapted to D50: what a matrix profile means in sRGB."""
    linear = (
        np.linalg.inv(np.array(SRGB).T) @ np.array(profile).T @ (np.array(colour) / 255) ** gamma
    )
    linear = linear.clip(0, 1)
    curve = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (curve * 255).round()


def assert_close(colour: list[int], expected: Any, within: int = 4) -> None:
    assert np.abs(np.array(colour) - np.array(expected)).max() <= within, colour


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("primaries", "gamma"), [(ADOBE, 2.2), (P3, 2.2), (ROMM, 1.8)], ids=["adobe", "p3", "prophoto"]
)
def test_a_profile_is_converted_in_every_format(
    kind: str, primaries: Primaries, gamma: float
) -> None:
    colour = (180, 120, 90)
    upload = encode(flat(colour), kind, icc_profile=matrix_profile(*primaries, gamma=gamma))
    expected = by_formula(colour, primaries, gamma)
    assert np.abs(expected - np.array(colour)).max() >= 10  # without conversion this test fails
    assert_close(stored(upload), expected)


def test_a_profile_that_swaps_channels_swaps_them() -> None:
    red, green, blue = SRGB
    upload = encode(flat((200, 40, 90)), "PNG", icc_profile=matrix_profile(green, red, blue))
    assert_close(stored(upload), by_formula((40, 200, 90), SRGB, 2.2))


def test_a_large_image_is_converted_as_a_small_one() -> None:
    profile = matrix_profile(*ADOBE)
    large = encode(flat((180, 120, 90), size=900), "JPEG", icc_profile=profile)
    assert_close(stored(large), by_formula((180, 120, 90), ADOBE, 2.2))


@pytest.mark.parametrize("mode", ["RGBA", "P", "L"])
def test_any_mode_is_converted_by_a_profile_of_rgb(mode: str) -> None:
    image = flat((180, 120, 90)).convert(mode)
    colour = image.convert("RGB").getpixel((0, 0))
    upload = encode(image, "PNG", icc_profile=matrix_profile(*ADOBE, gamma=1.8))
    assert_close(stored(upload), by_formula(colour, ADOBE, 1.8))


def test_transparency_outlives_the_conversion() -> None:
    upload = encode(flat((180, 120, 90, 0), "RGBA"), "PNG", icc_profile=matrix_profile(*ADOBE))
    assert stored(upload) == [255, 255, 255]


def test_grey_of_another_gamma_is_converted() -> None:
    upload = encode(flat(100, "L"), "PNG", icc_profile=grey_profile(1.0))
    assert_close(stored(upload), by_formula((100, 100, 100), SRGB, 1.0))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_are_converted_by_the_profile_of_their_press(kind: str) -> None:
    """L* 54.9 of grey is 131 in sRGB; full cyan without a profile is 0, 255, 255."""
    profile = ink_profile(paper=(255, 128, 128), cyan=(140, 128, 128))
    inks = encode(flat((255, 0, 0, 0), "CMYK"), kind, icc_profile=profile)
    paper = encode(flat((0, 0, 0, 0), "CMYK"), kind, icc_profile=profile)
    assert_close(stored(inks), (131, 131, 131))
    assert_close(stored(paper), (255, 255, 255))


def test_inks_without_a_profile_are_plain() -> None:
    assert_close(stored(encode(flat((255, 0, 0, 0), "CMYK"), "JPEG")), (0, 255, 255))


def test_a_small_jpeg_in_srgb_keeps_its_pixels_bit_for_bit() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    upload = encode(flat((180, 120, 90)), "JPEG", icc_profile=profile)
    assert canonical(upload, RULES) == stripped(upload)


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        matrix_profile(*ADOBE)[:200],
        matrix_profile(*ADOBE)[:128] + bytes(100),
        grey_profile(1.0),  # of another kind than the image
        bytes(5 << 20),
    ],
    ids=["noise", "cut", "empty", "grey", "huge"],
)
def test_a_damaged_or_strange_profile_is_passed_over(profile: bytes) -> None:
    assert_close(stored(encode(flat((180, 120, 90)), "WEBP", icc_profile=profile)), (180, 120, 90))


def test_the_profile_of_a_jpeg_2000_is_found() -> None:
    profile = matrix_profile(*ADOBE)
    upload = encode(flat((180, 120, 90)), "JPEG2000", irreversible=False)
    at = upload.index(b"colr") - 4
    size = int.from_bytes(upload[at : at + 4])
    box = (11 + len(profile)).to_bytes(4) + b"colr\x02\x00\x00" + profile
    header = upload.index(b"jp2h") - 4
    longer = int.from_bytes(upload[header : header + 4]) + len(box) - size
    upload = upload[:at] + box + upload[at + size :]
    upload = upload[:header] + longer.to_bytes(4) + upload[header + 4 :]
    assert_close(stored(upload), by_formula((180, 120, 90), ADOBE, 2.2))


def test_a_profile_is_read_but_once() -> None:
    colours._made.cache_clear()
    upload = encode(flat((180, 120, 90)), "PNG", icc_profile=matrix_profile(*ADOBE))
    first, second = decode(upload), decode(upload)
    assert np.array_equal(first, second)
    assert colours._made.cache_info().misses == 1


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (64, 64, 64)])
def test_small_graphics_keep_their_colour(colour: tuple[int, int, int]) -> None:
    """Lines of one pixel: half the resolution of colour would mix them with the white beside."""
    lines = np.full((48, 48, 3), 255, np.uint8)
    lines[:, ::2] = colour
    upload = encode(Image.fromarray(lines), "PNG")
    image = np.asarray(image_files.decoded(canonical(upload, RULES)).convert("RGB"))
    assert np.abs(image.astype(int) - lines).mean() < 4


def test_a_planar_tiff_with_a_profile_is_converted() -> None:
    profile = matrix_profile(*ADOBE)
    pixels = np.broadcast_to(np.array([180, 120, 90], np.uint8)[:, None], (3, 16)).tobytes()
    tags: Tags = {256: 4, 257: 4, 258: (8, 8, 8), 262: 2, 277: 3, 278: 4, 284: 2}
    upload = tiff(pixels, {**tags, PROFILE: tuple(profile)})
    assert_close(stored(upload), by_formula((180, 120, 90), ADOBE, 2.2))
