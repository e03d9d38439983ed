"""Which formats are read, and what the error says of others."""

from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sidecar.errors import ImageTooLarge, ImageUnreadable
from sidecar.images import ImageRules, canonical, decode, formats, pixels
from sidecar.images.formats import jxl
from tests.support.image_files import encode

RULES = ImageRules(canonical_size=384, max_pixels=1_000_000)
KINDS = ["AVIF", "JPEG2000", "HEIF", "ICO", "TGA"]
Y, X = np.mgrid[:64, :96]
SMOOTH = np.stack([X * 2, Y * 3, 255 - X], axis=-1).astype(np.uint8)


def a_file(kind: str) -> bytes:
    if kind == "ICO":
        square = Image.fromarray(SMOOTH).crop((0, 0, 64, 64))
        return encode(square, "ICO", sizes=[(64, 64)], bitmap_format="bmp")
    return encode(Image.fromarray(SMOOTH), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_comes_out_in_its_own_colours(kind: str) -> None:
    shown = decode(a_file(kind))
    assert np.abs(shown.astype(int) - SMOOTH[:, : shown.shape[1]]).mean() < 4


@pytest.mark.parametrize("kind", ["AVIF", "JPEG2000", "HEIF", "TGA"])
def test_transparency_lies_on_white(kind: str) -> None:
    hidden = Image.new("RGBA", (64, 64), (200, 30, 90, 0))
    hidden.paste((10, 20, 30, 255), (16, 16, 48, 48))
    shown = decode(encode(hidden, kind))
    assert np.abs(shown[4, 4].astype(int) - 255).max() <= 4
    assert np.abs(shown[32, 32].astype(int) - (10, 20, 30)).max() <= 6


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_telephone_that_was_turned_gives_an_upright_image(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = decode(encode(Image.fromarray(SMOOTH), kind, exif=exif.tobytes()))
    assert np.abs(shown.astype(int) - np.rot90(SMOOTH, 3)).mean() < 4


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_pixels_are_refused_by_the_header(kind: str) -> None:
    few = ImageRules(canonical_size=384, max_pixels=4000)
    with pytest.raises(ImageTooLarge):
        canonical(a_file(kind), few)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_short_is_refused(kind: str) -> None:
    whole = a_file(kind)
    with pytest.raises(ImageUnreadable):
        decode(whole[: len(whole) // 2])


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_refused_or_read_and_never_crash(kind: str) -> None:
    random = np.random.default_rng(7)
    whole = np.frombuffer(a_file(kind), np.uint8)
    for _ in range(60):
        damaged = whole.copy()
        damaged[random.integers(0, min(len(whole), 400), 3)] = random.integers(0, 256, 3)
        with suppress(ImageUnreadable, ImageTooLarge):
            assert pixels(canonical(damaged.tobytes(), RULES), 48, 40).shape == (40, 40, 3)


def test_noise_is_no_targa() -> None:
    random = np.random.default_rng(3)
    for size in (40, 500, 5000):
        for _ in range(300):
            with pytest.raises(ImageUnreadable, match="no readable image"):
                decode(random.integers(0, 256, size, np.uint8).tobytes())


@pytest.mark.parametrize(
    ("upload", "named"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg:svg width="1"/>', "SVG"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(40), "camera RAW"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01", "camera RAW .CR3."),
        (b"FUJIFILMCCD-RAW 0201", "camera RAW .RAF."),
        (b"IIU\x00\x18\x00\x00\x00", "camera RAW .RW2."),
        (b"IIRO\x08\x00\x00\x00", "camera RAW .ORF."),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "video"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"8BPS\x00\x02" + bytes(40), "PSB"),
        (b"PK\x03\x04" + bytes(40), "zip archive"),
    ],
)
def test_what_is_refused_is_named(upload: bytes, named: str) -> None:
    with pytest.raises(ImageUnreadable, match=named) as refused:
        decode(upload)
    assert "no readable image" in str(refused.value) or "not read" in str(refused.value)
    assert "JPEG, PNG, WebP" in str(refused.value) or "RAW" in str(refused.value)


@pytest.mark.skipif(find_spec("pillow_jxl") is not None, reason="its plugin is installed")
def test_jpeg_xl_without_its_plugin_is_named() -> None:
    for upload in (b"\xff\x0a\x00\x00", jxl.CONTAINER + bytes(20)):
        with pytest.raises(ImageUnreadable, match="JPEG XL"):
            decode(upload)


@pytest.mark.skipif(find_spec("pillow_jxl") is None, reason="its plugin is not installed")
class TestJpegXl:
    def a_file(self, size: tuple[int, int] = (96, 64), **options: Any) -> bytes:
        import pillow_jxl  # noqa: F401  (it can write JPEG XL then)

        file = encode(Image.fromarray(SMOOTH).resize(size), "JXL", **options)
        jxl.register()
        return file

    @pytest.mark.parametrize("size", [(96, 64), (90, 64), (8, 8), (300, 200), (33, 500)])
    def test_it_comes_out_in_its_own_colours(self, size: tuple[int, int]) -> None:
        shown = decode(self.a_file(size, lossless=True))
        assert shown.shape == (size[1], size[0], 3)
        assert np.array_equal(shown, np.asarray(Image.fromarray(SMOOTH).resize(size)))

    @pytest.mark.parametrize("boxed", [True, False])
    def test_it_is_weighed_before_it_is_decoded(self, boxed: bool) -> None:
        image = formats.opened(self.a_file((300, 200), use_container=boxed))
        assert image.size == (300, 200)
        with pytest.raises(ImageTooLarge):
            canonical(self.a_file((300, 200)), ImageRules(canonical_size=384, max_pixels=50_000))

    def test_it_is_turned_once(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        shown = decode(self.a_file(exif=exif.tobytes(), lossless=True))
        assert shown.shape == (64, 96, 3)
