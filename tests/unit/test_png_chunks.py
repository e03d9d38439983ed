"""What is broken beside the pixels of a PNG does not matter; what the pixels need is kept."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sidecar.errors import ImageUnreadable
from sidecar.images import decode
from sidecar.images.formats import png
from tests.support.image_files import encode

Y, X = np.mgrid[:40, :60]
PIXELS = np.stack([X * 4, Y * 6, np.full_like(X, 70)], axis=-1).astype(np.uint8)
AFTER_HEADER = 33


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def whole() -> bytes:
    return encode(Image.fromarray(PIXELS), "PNG")


def with_chunk(data: bytes) -> bytes:
    return whole()[:AFTER_HEADER] + data + whole()[AFTER_HEADER:]


def wrong_checksum(kind: bytes, data: bytes) -> bytes:
    return chunk(kind, data)[:-1] + b"\x00"


BROKEN = {
    "iCCP-method": chunk(b"iCCP", b"name\x00\x07" + zlib.compress(b"profile")),
    "iCCP-zlib": chunk(b"iCCP", b"name\x00\x00no zlib"),
    "iCCP-bomb": chunk(b"iCCP", b"name\x00\x00" + zlib.compress(bytes(20 << 20))),
    "gAMA-short": chunk(b"gAMA", b"\x00"),
    "cHRM-short": chunk(b"cHRM", bytes(5)),
    "sRGB-empty": chunk(b"sRGB", b""),
    "pHYs-short": chunk(b"pHYs", bytes(3)),
    "tRNS-short": chunk(b"tRNS", b"\x00\x01"),
    "tEXt-checksum": wrong_checksum(b"tEXt", b"Comment\x00hello"),
    "zTXt-method": chunk(b"zTXt", b"Comment\x00\x09" + zlib.compress(b"hello")),
    "zTXt-bomb": chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(20 << 20))),
    "iTXt-cut": chunk(b"iTXt", b"Comment"),
    "eXIf-noise": chunk(b"eXIf", b"II*\x00\xff\xff\xff\xff"),
    "eXIf-empty": chunk(b"eXIf", b""),
    "tIME-checksum": wrong_checksum(b"tIME", bytes(7)),
    "acTL-short": chunk(b"acTL", b"\x00"),
    "fcTL-short": chunk(b"fcTL", b"\x00"),
    "length": b"\x00\xff\xff\xff" + chunk(b"tEXt", b"Comment\x00hello")[4:],
    "length-short": b"\x00\x00\x00\x02" + chunk(b"tEXt", b"Comment\x00hello")[4:],
    "name": chunk(b"t\xffXt", b"Comment\x00hello"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_ancillary_chunk_does_not_matter(kind: str) -> None:
    assert np.array_equal(decode(with_chunk(BROKEN[kind])), PIXELS)


@pytest.mark.parametrize("kind", BROKEN)
def test_nor_does_it_behind_the_pixels(kind: str) -> None:
    at = whole().index(b"IEND") - 4
    assert np.array_equal(decode(whole()[:at] + BROKEN[kind] + whole()[at:]), PIXELS)


def test_a_png_of_a_browser_or_camera_keeps_what_its_pixels_need() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = b"some bytes that are kept as they are"
    file = encode(Image.fromarray(PIXELS), "PNG", exif=exif, icc_profile=profile)
    sound = png.sound(file)
    image = Image.open(io.BytesIO(sound))
    assert image.getexif()[0x0112] == 6
    assert image.info["icc_profile"] == profile
    assert png.sound(sound) == sound


def test_an_animation_is_its_first_image() -> None:
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    file = encode(frames[0], "PNG", save_all=True, append_images=frames[1:])
    assert np.array_equal(decode(file), PIXELS)


def test_damage_in_the_header_is_refused() -> None:
    with pytest.raises(ImageUnreadable):
        decode(whole()[:20] + b"\xff" + whole()[21:])


def test_apples_own_png_is_refused_by_name() -> None:
    upload = whole()[:8] + chunk(b"CgBI", bytes(4)) + whole()[8:]
    with pytest.raises(ImageUnreadable, match="CgBI"):
        decode(upload)


def test_a_png_of_too_many_pieces_is_refused() -> None:
    with pytest.raises(ImageUnreadable, match="50,000 chunks"):
        decode(with_chunk(chunk(b"IDAT", b"") * 50_001))
