"""From bytes to pixels: what each kind of file comes out as."""

import numpy as np
import pytest
from PIL import Image

from sidecar.errors import ImageTooLarge, ImageUnreadable
from sidecar.images import ImageRules, canonical, pixels
from sidecar.images.turbojpeg import decode as decode_jpeg
from tests.support.image_files import decoded, encode

RULES = ImageRules(canonical_size=384, max_pixels=1_000_000)
RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def colour_of(upload: bytes, at: tuple[int, int] = (10, 10)) -> tuple[int, ...]:
    pixel = decoded(canonical(upload, RULES)).convert("RGB").getpixel(at)
    assert isinstance(pixel, tuple)
    return pixel


def assert_close(colour: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert max(abs(a - b) for a, b in zip(colour, expected, strict=True)) <= 4, colour


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_comes_out_in_its_own_colour(kind: str) -> None:
    assert_close(colour_of(encode(Image.new("RGB", (50, 40), (200, 30, 90)), kind)), (200, 30, 90))


def test_exif_orientation_turns_the_image_upright() -> None:
    image = Image.new("RGB", (80, 40), RED)
    image.paste(GREEN, (0, 0, 40, 40))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it a quarter clockwise
    jpeg = canonical(encode(image, "JPEG", exif=exif, subsampling=0), RULES)
    upright = decoded(jpeg)
    assert upright.size == (40, 80)
    assert_close(upright.getpixel((20, 10)), GREEN)  # type: ignore[arg-type]
    assert_close(upright.getpixel((20, 70)), RED)  # type: ignore[arg-type]
    assert "exif" not in upright.info


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_shows_white(mode: str) -> None:
    image = Image.new("RGBA", (50, 40), (0, 0, 0, 0)).convert(mode)
    assert_close(colour_of(encode(image, "TIFF" if mode == "PA" else "PNG")), WHITE)


def test_a_half_transparent_red_is_pink() -> None:
    assert_close(
        colour_of(encode(Image.new("RGBA", (50, 40), (*RED, 128)), "PNG")), (255, 127, 127)
    )


def test_a_palette_with_a_transparent_entry_shows_white_there() -> None:
    image = Image.new("P", (50, 40), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (25, 0, 50, 40))
    upload = encode(image, "PNG", transparency=1)
    assert_close(colour_of(upload), WHITE)
    assert_close(colour_of(upload, (40, 10)), RED)


def test_grey_stays_grey() -> None:
    assert_close(colour_of(encode(Image.new("L", (50, 40), 90), "PNG")), (90, 90, 90))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_brightness(kind: str) -> None:
    grey = Image.fromarray(np.full((40, 50), 0x8000, np.uint16))
    assert_close(colour_of(encode(grey, kind)), (128, 128, 128))


def test_cmyk_becomes_rgb() -> None:
    red = Image.new("CMYK", (50, 40), (0, 255, 255, 0))
    assert_close(colour_of(encode(red, "JPEG", quality=95)), RED)


def test_the_first_frame_of_a_gif_counts() -> None:
    frames = [Image.new("RGB", (50, 40), colour) for colour in (RED, GREEN)]
    upload = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert_close(colour_of(upload), RED)


def test_a_large_image_is_kept_at_the_canonical_size_uncropped() -> None:
    jpeg = canonical(encode(Image.new("RGB", (1200, 800), RED), "PNG"), RULES)
    assert decoded(jpeg).size == (576, 384)


def test_a_small_image_is_not_scaled_up() -> None:
    assert decoded(canonical(encode(Image.new("RGB", (5, 3), RED), "PNG"), RULES)).size == (5, 3)


def test_a_plain_small_jpeg_is_kept_byte_for_byte() -> None:
    upload = encode(Image.new("RGB", (300, 200), RED), "JPEG")
    assert canonical(upload, RULES) == upload


def test_a_canonical_jpeg_is_its_own_canonical_jpeg() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8)
    once = canonical(encode(Image.fromarray(noise), "PNG"), RULES)
    assert canonical(once, RULES) == once


def test_pixels_are_the_centre_of_the_resized_image() -> None:
    """Against the reference in two steps: resize the short side, then cut."""
    y, x = np.mgrid[:300, :420]
    smooth = np.stack([x * 0.6, y * 0.8, (x + y) * 0.3], axis=-1).astype(np.uint8)
    jpeg = encode(Image.fromarray(smooth), "JPEG", quality=95)
    resized = decoded(jpeg).resize((round(420 * 256 / 300), 256), Image.Resampling.BICUBIC)
    left = (resized.width - 224) / 2
    reference = resized.crop((round(left), 16, round(left) + 224, 240))
    ours = pixels(jpeg, 256, 224)
    assert ours.shape == (224, 224, 3)
    assert ours.dtype == np.uint8
    assert np.abs(ours.astype(int) - np.asarray(reference).astype(int)).mean() < 1.0


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_fast_decoder_gives_what_pillow_gives(mode: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 401, 3), np.uint8)
    image = Image.fromarray(noise).resize((500, 390)).convert(mode)
    upload = encode(image, "JPEG", quality=80)
    ours = decode_jpeg(upload)
    assert ours is not None
    assert np.array_equal(ours, np.asarray(decoded(upload).convert("RGB")))


def test_what_the_fast_decoder_complains_about_is_left_to_pillow() -> None:
    upload = encode(Image.new("RGB", (300, 200), RED), "JPEG")
    at = upload.index(b"\xff\xda")
    odd = upload[:at] + b"\x00\x01" + upload[at:]  # bytes between two markers
    assert decode_jpeg(odd) is None
    assert_close(tuple(pixels(canonical(odd, RULES), 256, 224)[112, 112].tolist()), RED)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 2)])
def test_any_shape_gives_pixels(size: tuple[int, int]) -> None:
    jpeg = canonical(encode(Image.new("RGB", size, RED), "PNG"), RULES)
    assert_close(tuple(pixels(jpeg, 256, 224)[112, 112].tolist()), RED)


def test_too_many_pixels_are_refused_by_the_header() -> None:
    with pytest.raises(ImageTooLarge, match="2000 x 501"):
        canonical(encode(Image.new("1", (2000, 501)), "PNG"), RULES)


def test_a_ribbon_is_refused() -> None:
    with pytest.raises(ImageUnreadable, match="too long and thin"):
        canonical(encode(Image.new("1", (70_000, 1)), "PNG"), RULES)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_file_that_is_cut_short_is_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    upload = encode(Image.fromarray(noise), kind)
    with pytest.raises(ImageUnreadable):
        pixels(canonical(upload[: len(upload) // 2], RULES), 48, 40)


@pytest.mark.parametrize("upload", [b"", b"GIF89a", b"<svg/>", b"\xff\xd8\xff\xe0", bytes(1000)])
def test_what_is_no_image_is_refused(upload: bytes) -> None:
    with pytest.raises(ImageUnreadable, match="no readable image"):
        canonical(upload, RULES)


def test_damaged_files_are_refused_or_read_and_never_crash() -> None:
    """Flip bytes of each format; whatever happens, it is an image or ImageUnreadable."""
    random = np.random.default_rng(7)
    noise = Image.fromarray(random.integers(0, 256, (40, 40, 3), np.uint8))
    refused = 0
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        whole = np.frombuffer(encode(noise, kind), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[random.integers(0, len(whole), 8)] = random.integers(0, 256, 8)
            try:
                jpeg = canonical(damaged.tobytes(), RULES)
                assert pixels(jpeg, 48, 40).shape == (40, 40, 3)
            except (ImageUnreadable, ImageTooLarge):
                refused += 1
    assert refused > 50
