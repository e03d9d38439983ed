"""Every layout of samples comes out right, or is refused by name."""

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from campaigns.small_images import psd
from sidecar.errors import ImageUnreadable
from sidecar.images import decode
from tests.support.crafted import Tags, page, tiff
from tests.support.image_files import encode

WIDTH, HEIGHT = 24, 16
Y, X = np.mgrid[:HEIGHT, :WIDTH]
RAMP = (X * 10 + Y).astype(np.uint8)  # 0 to 245
COLOURS = np.stack([RAMP, RAMP[::-1], np.full_like(RAMP, 90)], axis=-1)
GREY = np.stack([RAMP] * 3, axis=-1)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR, CFA = 0, 1, 2, 3, 5, 6, 32_803
PLANES = {284: 2}


def a_tiff(pixels: NDArray[Any], kind: int, bits: int, order: str = "<", **more: Any) -> bytes:
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    tags: dict[int, Any] = {
        256: WIDTH,
        257: HEIGHT,
        258: (bits,) * samples,
        259: 1,
        262: kind,
        277: samples,
    }
    tags |= {278: HEIGHT} | more.get("tags", {})
    planes = np.moveaxis(pixels, -1, 0) if 284 in tags and samples > 1 else pixels
    return tiff((planes if order == "<" else planes.byteswap()).tobytes(), tags, order)


def assert_shows(upload: bytes, expected: NDArray[Any], within: int = 1) -> None:
    assert np.abs(decode(upload).astype(int) - expected.astype(int)).max() <= within


def wide(pixels: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return pixels.astype(np.uint16) * 257


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tags", [{}, PLANES], ids=["mixed", "planes"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_shows_its_colours_mixed_or_in_planes(
    bits: int, tags: dict[int, int], order: str
) -> None:
    pixels = COLOURS if bits == 8 else wide(COLOURS)
    assert_shows(a_tiff(pixels, RGB, bits, order, tags=tags), COLOURS)


@pytest.mark.parametrize("tags", [{}, PLANES], ids=["mixed", "planes"])
def test_inks_of_16_bits_show_as_those_of_8(tags: dict[int, int]) -> None:
    inks = np.dstack([255 - COLOURS, np.zeros_like(RAMP)])
    assert_shows(a_tiff(wide(inks), SEPARATED, 16, tags=tags), COLOURS, within=2)


@pytest.mark.parametrize("scale", [1, 256, 257])
def test_a_colour_map_of_8_bits_is_not_black(scale: int) -> None:
    colours = np.zeros((3, 256), int)
    colours[:, :3] = [[200, 30, 0], [10, 220, 90], [60, 0, 250]]
    indices = (RAMP % 3).astype(np.uint8)
    upload = a_tiff(indices, PALETTE, 8, tags={320: tuple(int(v) for v in colours.ravel() * scale)})
    assert_shows(upload, colours.T[indices])


def test_grey_of_32_bits_keeps_its_high_ones() -> None:
    assert_shows(a_tiff(RAMP.astype(np.uint32) << 24, BLACK_IS_ZERO, 32), GREY)


def test_grey_of_12_bits_is_not_dark() -> None:
    deep = RAMP.astype(np.uint16) << 4
    first, second = deep.reshape(-1, 2).T
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1)
    upload = a_tiff(RAMP, BLACK_IS_ZERO, 12)
    assert_shows(upload[: -RAMP.size] + packed.astype(np.uint8).tobytes(), GREY)


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_whose_zero_is_white_is_turned_round(bits: int) -> None:
    pixels = RAMP if bits == 8 else wide(RAMP)
    assert_shows(a_tiff(255 - RAMP if bits == 8 else 65_535 - pixels, WHITE_IS_ZERO, bits), GREY)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_signed_samples_are_refused_by_name(bits: int) -> None:
    upload = a_tiff(RAMP.astype(f"i{bits // 8}"), BLACK_IS_ZERO, bits, tags={339: 2})
    with pytest.raises(ImageUnreadable, match="signed samples"):
        decode(upload)


def test_floating_point_is_refused_by_name() -> None:
    with pytest.raises(ImageUnreadable, match="floating-point"):
        decode(a_tiff(RAMP.astype(np.float32), BLACK_IS_ZERO, 32, tags={339: 3}))


def test_inks_that_are_not_cmyk_are_refused_by_name() -> None:
    inks = np.dstack([COLOURS, RAMP])
    with pytest.raises(ImageUnreadable, match="inks other than cyan"):
        decode(a_tiff(inks, SEPARATED, 8, tags={332: 2}))


def test_a_tiff_of_an_unknown_layout_is_refused_with_its_layout() -> None:
    with pytest.raises(ImageUnreadable, match="photometric 2, 3 samples of 4/4/4 bits"):
        decode(a_tiff(COLOURS, RGB, 4))


@pytest.mark.parametrize("premultiplied", [False, True])
def test_grey_with_alpha_lies_on_white(premultiplied: bool) -> None:
    alpha = np.full_like(RAMP, 102)  # 0.4
    grey = (RAMP * 0.4).round().astype(np.uint8) if premultiplied else RAMP
    upload = a_tiff(np.dstack([grey, alpha]), BLACK_IS_ZERO, 8, tags={338: 2 - premultiplied})
    assert_shows(upload, GREY * 0.4 + 255 * 0.6, within=2)


def test_ycbcr_with_fewer_colours_than_pixels_is_no_noise() -> None:
    """Blocks of 2 x 2: four of brightness, then their two of colour (TIFF 6.0, section 21)."""
    blocks = np.tile(np.array([150, 150, 150, 150, 90, 200], np.uint8), WIDTH * HEIGHT // 4)
    upload = a_tiff(np.zeros((HEIGHT, WIDTH, 3), np.uint8), YCBCR, 8, tags={530: (2, 2)})
    upload = upload[: -WIDTH * HEIGHT * 3] + blocks.tobytes()
    size = struct.pack("<I", WIDTH * HEIGHT * 3)
    upload = upload.replace(size, struct.pack("<I", len(blocks)))
    red, green, blue = 150 + 1.402 * 72, 150 - 0.344 * -38 - 0.714 * 72, 150 + 1.772 * -38
    assert_shows(upload, np.broadcast_to([red, green, blue], COLOURS.shape), within=2)


def test_lab_shows_its_colours() -> None:
    """L* 53.6, a* 77, b* 64 is about the red of sRGB, seen by D50 (Lindbloom's table)."""
    lab = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    lab[:] = 138, 81, 70
    assert_shows(a_tiff(lab, 8, 8), np.broadcast_to([255, 0, 0], lab.shape), within=6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("place", [330, "next"])
def test_the_picture_is_stored_and_not_its_preview(place: int | str, order: str) -> None:
    """As in DNG: the first page is reduced, the picture within it (SubIFD) or the next page."""
    at = 4096
    preview: Tags = {256: 4, 257: 4, 258: (8, 8, 8), 262: RGB, 277: 3, 278: 4, 254: 1}
    full: Tags = {256: WIDTH, 257: HEIGHT, 258: (8, 8, 8), 262: RGB, 277: 3, 278: HEIGHT}
    within: Tags = {330: at} if place == 330 else {}
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "I", 8)
    first = page(bytes(48), {**preview, **within}, order, 8, at if place == "next" else 0)
    upload = (head + first).ljust(at, b"\x00") + page(COLOURS.tobytes(), full, order, at, 0)
    assert_shows(upload, COLOURS)


def test_a_preview_alone_is_the_picture() -> None:
    assert_shows(a_tiff(COLOURS, RGB, 8, tags={254: 1}), COLOURS)


@pytest.mark.parametrize("tags", [{50_706: (1, 4, 0, 0)}, {}], ids=["DNG", "NEF"])
def test_what_a_sensor_saw_is_refused_by_name(tags: dict[int, Any]) -> None:
    at = 4096
    preview: Tags = {
        256: 4,
        257: 4,
        258: (8, 8, 8),
        262: RGB,
        277: 3,
        278: 4,
        254: 1,
        330: at,
        **tags,
    }
    sensor: Tags = {256: WIDTH, 257: HEIGHT, 258: 8, 262: CFA, 277: 1, 278: HEIGHT}
    upload = b"II*\x00\x08\x00\x00\x00" + page(bytes(48), preview, "<", 8, 0)
    upload = upload.ljust(at, b"\x00") + page(RAMP.tobytes(), sensor, "<", at, 0)
    with pytest.raises(ImageUnreadable, match="camera RAW"):
        decode(upload)


def test_pages_that_point_at_each_other_come_to_an_end() -> None:
    upload = a_tiff(COLOURS, RGB, 8, tags={254: 1, 330: (8, 8, 8)})
    assert_shows(upload, COLOURS)


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_tiff_is_turned_once(orientation: int) -> None:
    turned = np.rot90(COLOURS, 2 if orientation == 3 else 3)
    assert_shows(a_tiff(COLOURS, RGB, 8, tags={274: orientation}), turned)


def png(pixels: bytes, depth: int, colour: int, *ancillary: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    line = len(pixels) // HEIGHT
    lines = b"".join(b"\x00" + pixels[i : i + line] for i in range(0, len(pixels), line))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0)
    middle = b"".join(chunk(kind, data) for kind, data in ancillary)
    body = chunk(b"IHDR", header) + middle + chunk(b"IDAT", zlib.compress(lines))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_value_of_a_grey_png_shows_white(depth: int) -> None:
    top = (1 << depth) - 1
    values = (X % 2 * min(top, 3)).astype(np.uint16)
    bits = np.unpackbits(values.astype(">u2").view(np.uint8).reshape(HEIGHT, WIDTH, 2), axis=-1)
    packed = np.packbits(bits.reshape(HEIGHT, WIDTH, 16)[..., 16 - depth :])
    upload = png(packed.tobytes(), depth, 0, (b"tRNS", struct.pack(">H", 0)))
    dark = min(top, 3) * 255 // top
    shown = np.where(X % 2 == 0, 255, dark)
    ground = shown if dark < 224 else np.where(X % 2 == 0, 128, 255)  # white is laid on grey
    assert_shows(upload, np.stack([ground] * 3, axis=-1))


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_of_a_png_shows_white(depth: int) -> None:
    pixels = COLOURS if depth == 8 else wide(COLOURS)
    hidden = struct.pack(">3H", *(int(value) for value in pixels[3, 5]))
    upload = png(pixels.astype(f">u{depth // 8}").tobytes(), depth, 2, (b"tRNS", hidden))
    shown = COLOURS.copy()
    shown[3, 5] = 255  # the only one of its colour
    assert_shows(upload, shown)


@pytest.mark.parametrize("colours", [True, False])
def test_what_a_first_frame_leaves_uncovered_is_no_colour(colours: bool) -> None:
    small = Image.new("P" if colours else "L", (10, 6), 1)
    if colours:
        small.putpalette([255, 0, 255, 20, 60, 200])
    gif = bytearray(encode(small, "GIF"))
    gif[6:10] = struct.pack("<HH", WIDTH, HEIGHT)  # the screen, larger than its frame
    at = gif.index(b",", 13 + 3 * (2 << (gif[10] & 7)) if gif[10] & 128 else 13)
    gif[at + 1 : at + 5] = struct.pack("<HH", 4, 5)
    shown = decode(bytes(gif))
    assert shown.shape == (HEIGHT, WIDTH, 3)
    assert shown[7, 9].tolist() == ([20, 60, 200] if colours else [1, 1, 1])
    assert (shown[0, 0] == 255).all()
    assert (shown[15, 20] == 255).all()


def test_a_photoshop_document_shows_what_its_layers_come_to() -> None:
    assert_shows(psd(list(np.moveaxis(COLOURS, -1, 0)), 3), COLOURS)


def test_inks_and_lab_of_a_photoshop_document_show_their_colours() -> None:
    """It holds inks turned round, and a* and b* from 0."""
    inks = [*np.moveaxis(COLOURS, -1, 0), np.full_like(RAMP, 255)]
    assert_shows(psd(inks, 4), COLOURS, within=2)
    lab = [np.full_like(RAMP, value) for value in (138, 128 + 81, 128 + 70)]
    assert_shows(psd(lab, 9), np.broadcast_to([255, 0, 0], COLOURS.shape), within=6)


def test_a_saved_selection_is_no_transparency_and_alpha_is() -> None:
    channels = [*np.moveaxis(COLOURS, -1, 0), np.zeros_like(RAMP)]
    assert_shows(psd(channels, 3, layers=2), COLOURS)
    assert_shows(psd(channels, 3, layers=-2), np.full_like(COLOURS, 255))


def test_one_is_black_in_a_photoshop_bitmap() -> None:
    bits = np.packbits(RAMP > 120, axis=1)
    upload = psd([bits], 0, bits=1, size=(HEIGHT, WIDTH))
    assert_shows(upload, np.where(GREY > 120, 0, 255))


@pytest.mark.parametrize(
    ("upload", "named"),
    [
        (psd([RAMP] * 3, 3, bits=16), "16 bits a channel"),
        (psd([RAMP] * 3, 7), "multichannel"),
        (psd([RAMP] * 3, 3, resources=[(1057, b"\x00\x00\x00\x01\x00")]), "Maximize compatibility"),
    ],
)
def test_a_photoshop_document_without_its_picture_is_refused_by_name(
    upload: bytes, named: str
) -> None:
    with pytest.raises(ImageUnreadable, match=named):
        decode(upload)


def test_the_fourth_byte_of_a_targa_counts_only_where_its_header_says_so() -> None:
    upload = bytearray(encode(Image.fromarray(np.dstack([COLOURS, RAMP // 4])), "TGA"))
    half = COLOURS * (RAMP // 4 / 255)[..., None] + 255 * (1 - RAMP // 4 / 255)[..., None]
    assert_shows(bytes(upload), half, within=2)
    upload[17] &= 0xF0
    assert_shows(bytes(upload), COLOURS)


def test_a_fourth_byte_that_hides_all_is_no_alpha_in_old_formats() -> None:
    hidden = np.dstack([COLOURS, np.zeros_like(RAMP)])
    assert_shows(encode(Image.fromarray(hidden), "TGA"), COLOURS)


def icon(*images: tuple[tuple[int, int], int, bytes]) -> bytes:
    head, body, at = struct.pack("<HHH", 0, 1, len(images)), b"", 6 + 16 * len(images)
    for (width, height), bits, data in images:
        head += struct.pack("<BBBBHHII", width, height, 0, 0, 1, bits, len(data), at + len(body))
        body += data
    return head + body


def bitmap(pixels: NDArray[np.uint8], alpha: int) -> bytes:
    """A BITMAPINFOHEADER of 32 bits, its lines from below, and a mask that hides nothing."""
    height, width, _ = pixels.shape
    header = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, 32, 0, 0, 0, 0, 0, 0)
    four = np.dstack([pixels[::-1, :, ::-1], np.full((height, width), alpha, np.uint8)])
    return header + four.tobytes() + bytes(-(-width // 32) * 4 * height)


@pytest.mark.parametrize("alpha", [255, 0])
@pytest.mark.parametrize("bits", [32, 0])
def test_the_largest_image_of_an_icon_is_shown(bits: int, alpha: int) -> None:
    small = np.zeros((8, 8, 3), np.uint8)
    upload = icon(((8, 8), 32, bitmap(small, 255)), ((WIDTH, HEIGHT), bits, bitmap(COLOURS, alpha)))
    assert_shows(upload, COLOURS)


def test_a_png_in_an_icon_may_be_of_any_size() -> None:
    large = np.repeat(np.repeat(COLOURS, 20, axis=0), 20, axis=1)
    assert_shows(icon(((0, 0), 32, encode(Image.fromarray(large), "PNG"))), large)


def test_an_icon_that_hides_how_large_it_is_is_refused() -> None:
    header = struct.pack("<IiiHHIIiiII", 40, 30_000, 60_000, 1, 1, 0, 0, 0, 0, 0, 0)
    with pytest.raises(ImageUnreadable, match="30000 x 30000"):
        decode(icon(((16, 16), 1, header)))
