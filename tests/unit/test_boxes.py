"""Files that hold larger images than their headers say, outside of any budget."""

import struct
import time
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sidecar.errors import ImageUnreadable
from sidecar.images import ImageRules, canonical, decode
from sidecar.images.formats import av1, avif, png
from tests.support.image_files import decoded, encode

RULES = ImageRules(canonical_size=384, max_pixels=1_000_000)


def claiming(file: bytes, width: int, height: int) -> bytes:
    """The file with another size in each `ispe`, the box that says it."""
    changed, at = bytearray(file), -1
    while (at := changed.find(b"ispe", at + 1)) >= 0:
        struct.pack_into(">II", changed, at + 8, width, height)
    return bytes(changed)


LARGER = {"AVIF": "1,200,000 pixels and says 64 x 64", "HEIF": "Security limit exceeded"}


@pytest.mark.parametrize("kind", LARGER)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_image_that_is_larger_than_it_says_is_refused(kind: str, mode: str) -> None:
    file = encode(Image.new(mode, (1200, 1000)), kind)
    with pytest.raises(ImageUnreadable, match=LARGER[kind]):
        canonical(claiming(file, 64, 64), RULES)


def test_so_is_an_animation_that_does() -> None:
    frames = [Image.new("RGB", (1200, 1000), (n, n, n)) for n in (0, 90)]
    file = bytearray(encode(frames[0], "AVIF", save_all=True, append_images=frames[1:]))
    at = file.find(b"tkhd")
    assert at > 0
    place = file.index(struct.pack(">II", 1200 << 16, 1000 << 16), at)
    struct.pack_into(">II", file, place, 64 << 16, 64 << 16)
    with pytest.raises(ImageUnreadable, match="1,200,000 pixels and says 64 x 64"):
        canonical(claiming(bytes(file), 64, 64), RULES)


@pytest.mark.parametrize("size", [(1, 1), (33, 500), (1000, 900)])
@pytest.mark.parametrize("options", [{}, {"subsampling": "4:4:4"}, {"autotiling": True}])
def test_honest_ones_are_read(size: tuple[int, int], options: dict[str, Any]) -> None:
    for mode in ("RGB", "RGBA", "L"):
        file = encode(Image.new(mode, size), "AVIF", speed=10, **options)
        assert decode(file).shape == (size[1], size[0], 3)
        at = file.index(b"mdat") + 4
        assert av1.largest_frame(file[at:]) == size[0] * size[1]


def test_an_item_in_a_million_pieces_ends_soon() -> None:
    file = encode(Image.new("RGB", (64, 64)), "AVIF")
    piece = struct.pack(">II", 0, 0)
    iloc = b"\x00\x00\x00\x00\x44\x00" + struct.pack(">HHHH", 1, 1, 0, 65_535) + piece * 65_535
    box = struct.pack(">I", len(iloc) + 8) + b"iloc" + iloc
    meta = struct.pack(">I", len(box) + 12) + b"meta" + bytes(4) + box
    image = decoded(file)
    with pytest.raises(ImageUnreadable, match="damaged"):
        avif.checked(file + meta + bytes(1 << 20), image)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(
    "text",
    [b"zTXtRaw profile type exif\x00\x00", b"zTXtComment\x00\x00", b"iCCPname\x00\x00"],
    ids=["turning", "other", "profile"],
)
def test_texts_and_profiles_of_a_png_are_not_unpacked_over_and_over(text: bytes) -> None:
    """Pillow unpacks 64 MiB of them while it opens the file, and does so before any budget."""
    plain = encode(Image.fromarray(np.full((8, 8, 3), 90, np.uint8)), "PNG")
    bomb = chunk(text[:4], text[4:] + zlib.compress(bytes(1 << 20), 9))
    upload = plain[:33] + bomb * 2000 + plain[33:]
    began = time.thread_time()
    assert len(png.sound(upload)) < len(plain) + 2 * len(bomb)
    assert decode(upload)[0, 0].tolist() == [90, 90, 90]
    assert time.thread_time() - began < 0.5
