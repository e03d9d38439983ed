"""An image with transparency can be seen on its background."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sidecar.images import ImageRules, canonical, decode, pixels
from tests.support.image_files import encode

RULES = ImageRules(canonical_size=384, max_pixels=1_000_000)
GREY, WHITE = [128] * 3, [255] * 3


def logo(shape: str, colour: tuple[int, ...], size: int = 128) -> bytes:
    image = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    box = (size // 4, size // 4, 3 * size // 4, 3 * size // 4)
    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "square":
        draw.rectangle(box, fill=colour)
    else:
        draw.polygon([(size // 2, box[1]), (box[2], box[3]), (box[0], box[3])], fill=colour)
    return encode(image, "PNG")


def seen(upload: bytes) -> NDArray[np.uint8]:
    return pixels(canonical(upload, RULES), 128, 128)


def test_three_white_logos_are_three_images() -> None:
    shown = [seen(logo(shape, (255, 255, 255))) for shape in ("circle", "square", "triangle")]
    for one, other in combinations(shown, 2):
        assert np.abs(one.astype(int) - other).mean() > 3


@pytest.mark.parametrize(
    ("colour", "ground"),
    [
        ((255, 255, 255), GREY),
        ((230, 235, 240), GREY),
        ((255, 255, 255, 120), GREY),
        ((200, 200, 200), WHITE),
        ((255, 255, 0), WHITE),
        ((20, 30, 40), WHITE),
        ((20, 30, 40, 120), WHITE),
    ],
)
def test_the_background_is_white_or_grey_where_white_would_hide_the_image(
    colour: tuple[int, ...], ground: list[int]
) -> None:
    assert decode(logo("circle", colour))[2, 2].tolist() == ground


def test_what_is_hidden_does_not_choose_the_background() -> None:
    """Editors leave white, or anything, under what is transparent."""
    image = np.full((60, 60, 4), 255, np.uint8)
    image[..., 3] = 0
    image[20:40, 20:40] = 20, 30, 40, 255
    file = encode(Image.fromarray(image), "PNG")
    assert decode(file)[2, 2].tolist() == WHITE


def test_a_white_image_without_transparency_stays_white() -> None:
    file = encode(Image.new("RGBA", (60, 60), (255, 255, 255, 255)), "PNG")
    assert (decode(file) == 255).all()
