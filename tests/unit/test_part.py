"""A part of an image is embedded as an upload of just these pixels is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sidecar.errors import WrongArguments
from sidecar.http.reading.boxes import parsed
from sidecar.images import Box, ImageRules, canonical, part
from tests.support.image_files import decoded, encode

RULES = ImageRules(64, 10**6)
TURNED = 6  # a quarter to the right, to be upright
EXIF_ORIENTATION = 0x0112
FRACTIONS = st.floats(0, 1)


def photo(width: int = 96, height: int = 64) -> Image.Image:
    random = np.random.default_rng(7).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(random).resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        (Box(0, 0, 1, 1), (0, 0, 96, 64)),
        (Box(0.5, 0, 0.5, 1), (48, 0, 96, 64)),
        (Box(0.25, 0.5, 0.25, 0.25), (24, 32, 48, 48)),
        (Box(0.9999, 0.9999, 0.0001, 0.0001), (95, 63, 96, 64)),
        (Box(0, 0, 1e-9, 1e-9), (0, 0, 1, 1)),
        (Box(1, 1, 1e-9, 1e-9), (95, 63, 96, 64)),
    ],
)
def test_it_is_bit_for_bit_the_upload_of_that_part(
    box: Box, pixels: tuple[int, int, int, int]
) -> None:
    kept = canonical(encode(photo(), "JPEG"), RULES)
    cut = decoded(kept).crop(pixels)
    assert part(kept, box) == canonical(encode(cut, "PNG"), RULES)


def test_without_a_box_it_is_the_image() -> None:
    kept = canonical(encode(photo(), "PNG"), RULES)
    assert part(kept, None) == kept


def test_the_box_is_of_the_upright_image() -> None:
    upright = photo()
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED
    lying = encode(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    box = Box(0.5, 0, 0.5, 0.25)
    assert part(canonical(lying, RULES), box) == part(canonical(encode(upright, "PNG"), RULES), box)


@given(x=FRACTIONS, y=FRACTIONS, width=FRACTIONS, height=FRACTIONS)
def test_every_box_has_pixels_and_they_are_of_the_image(
    x: float, y: float, width: float, height: float
) -> None:
    for rows, columns in (
        Box(x, y, width, height).pixels(7, 300),
        Box(x, y, width, height).pixels(1, 1),
    ):
        assert 0 <= rows.start < rows.stop
        assert 0 <= columns.start < columns.stop
    rows, columns = Box(x, y, width, height).pixels(7, 300)
    assert rows.stop <= 300
    assert columns.stop <= 7


@pytest.mark.parametrize("text", ["0,0,1,1", " 0.7, 0.2, 0.3, 0.8", "1e-3,0,.1,0.5", "0.9,0,0.1,1"])
def test_four_fractions_within_the_image_are_a_box(text: str) -> None:
    x, y, width, height = (float(each) for each in text.split(","))
    assert parsed(text) == Box(x, y, width, height)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "1",
            "0,0,1",
            "0,0,1,1,1",
            "a,b,c,d",
            "0;0;1;1",
            "0,0,nan,1",
            "0,0,inf,1",
            "0,0,1e999,1",
        ),
        *("-0.1,0,1,1", "0,0,0,1", "0,0,1,0", "0,0,-1,1", "0.5,0,0.6,1", "0,0.5,1,0.6", "0,0,2,2"),
        *("10,10,200,200", "1,0,1,1"),
    ],
)
def test_anything_else_is_refused_in_one_line_that_names_it(text: str) -> None:
    with pytest.raises(WrongArguments, match=r"^other_box must [^\n]+$"):
        parsed(text, "other_box")
