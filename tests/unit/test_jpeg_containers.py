"""The segments of a JPEG: what is kept byte for byte, what is stripped, what is too dear."""

import time
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from sidecar.errors import ImageTooLarge, ImageUnreadable
from sidecar.images import ImageRules, canonical, jpeg, keeping, pixels
from sidecar.images.turbojpeg import decode as decode_jpeg
from tests.support import image_files

RULES = ImageRules(canonical_size=384, max_pixels=40_000_000)
RED, GREEN = (255, 0, 0), (0, 255, 0)
GPS = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><rdf:RDF><exif:GPSLatitude>48,51N"


def photo(width: int = 320, height: int = 240) -> Image.Image:
    """Smooth waves with a little noise: they compress as photos do."""
    y, x = np.mgrid[:240, :320]
    waves = np.stack([np.sin(x / 40 + c) + np.cos(y / (30 + 5 * c)) for c in range(3)], axis=-1)
    noise = np.random.default_rng(3).normal(0, 4, waves.shape)
    small = Image.fromarray((waves * 55 + 128 + noise).clip(1, 255).astype(np.uint8))
    return small.resize((width, height))


def encode(image: Image.Image, **options: Any) -> bytes:
    return image_files.encode(image, "JPEG", **({"quality": 90} | options))


def segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2) + data


def with_segments(file: bytes, *segments: bytes) -> bytes:
    """The file with segments after its first one, APP0."""
    at = 4 + int.from_bytes(file[4:6])
    return file[:at] + b"".join(segments) + file[at:]


def decoded(file: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(image_files.decoded(file).convert("RGB"))


def container(file: bytes) -> jpeg.Container:
    found = jpeg.read(file)
    assert found is not None
    return found


# -- what is stored holds nothing but pixels

SECRETS = {
    "xmp": segment(0xE1, GPS),
    "exif": segment(0xE1, b"Exif\x00\x00" + Image.Exif().tobytes()[6:] + b"SECRET"),
    "comment": segment(0xFE, b"SECRET"),
    "iptc": segment(0xED, b"Photoshop 3.0\x00SECRET"),
    "thumbnail": segment(0xE0, b"JFXX\x00\x13\x02\x02" + b"SECRET" * 2),
    "flashpix": segment(0xE2, b"FPXR\x00SECRET"),
    "unknown": segment(0xEF, b"SECRET"),
    "between segments": b"SECRET",
    "adobe": segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x01SECRET"),
}


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_small_jpeg_loses_all_but_its_pixels(secret: str, options: dict[str, Any]) -> None:
    plain = encode(photo(), **options)
    upload = with_segments(plain, SECRETS[secret]) + b"SECRET after the end" + plain
    kept = canonical(upload, RULES)
    assert b"SECRET" not in kept
    assert b"GPS" not in kept
    assert np.array_equal(decoded(kept), decoded(upload))
    assert len(kept) <= len(plain) + 16  # Adobe's marker, which says what the colours are


def test_a_jfif_header_loses_its_density_and_its_thumbnail() -> None:
    plain = encode(photo(), dpi=(300, 300))
    thumbnail = b"JFIF\x00\x01\x02\x01\x01\x2c\x01\x2c\x01\x02" + b"SECRET"
    upload = plain[:2] + segment(0xE0, thumbnail) + plain[4 + int.from_bytes(plain[4:6]) :]
    kept = canonical(upload, RULES)
    assert kept == encode(photo())


@pytest.mark.parametrize("quality", [60, 95])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_what_is_stripped_already_stays_byte_for_byte(mode: str, quality: int) -> None:
    upload = encode(photo().convert(mode), quality=quality)
    assert canonical(upload, RULES) == upload


def test_a_jpeg_of_rgb_keeps_the_marker_that_says_so() -> None:
    upload = with_segments(encode(photo(), keep_rgb=True), segment(0xFE, b"SECRET"))
    kept = canonical(upload, RULES)
    assert b"SECRET" not in kept
    assert np.array_equal(decoded(kept), np.asarray(decode_jpeg(kept)))
    assert np.abs(decoded(kept).astype(int) - np.asarray(photo())).mean() < 3


def test_a_second_image_behind_the_first_is_gone() -> None:
    second = Image.new("RGB", (64, 64), RED)
    file = image_files.encode(photo(), "MPO", save_all=True, append_images=[second])
    kept = canonical(file, RULES)
    assert np.array_equal(decoded(kept), decoded(file))
    assert kept.count(b"\xff\xd8\xff") == 1
    assert b"MPF" not in kept


def test_a_small_jpeg_with_a_profile_is_not_kept_byte_for_byte() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    kept = canonical(encode(photo(), icc_profile=profile), RULES)
    assert b"ICC_PROFILE" not in kept


# -- orientation


def turned(by: str) -> dict[str, Any]:
    if by == "xmp":
        xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
        return {"xmp": xmp}
    exif = Image.Exif()
    exif[0x0112] = 6
    return {"exif": exif}


@pytest.mark.parametrize("by", ["exif", "xmp"])
@pytest.mark.parametrize("side", [40, 800])
def test_orientation_turns_small_files_and_large_ones_wherever_it_stands(
    side: int, by: str
) -> None:
    image = Image.new("RGB", (2 * side, side), RED)
    image.paste(GREEN, (0, 0, side, side))
    kept = decoded(canonical(encode(image, subsampling=0, **turned(by)), RULES))
    assert kept.shape[0] == 2 * kept.shape[1]
    assert np.abs(kept[3, 20].astype(int) - GREEN).max() < 5
    assert np.abs(kept[-3, 20].astype(int) - RED).max() < 5


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_turns_nothing_and_refuses_nothing() -> None:
    upload = with_segments(
        encode(photo()), segment(0xE1, b"Exif\x00\x00MM\x00\x2a\x00\x00\xff\xff")
    )
    assert np.array_equal(decoded(canonical(upload, RULES)), decoded(encode(photo())))


@pytest.mark.parametrize("broken", [segment(0xEE, b"Adobe"), segment(0xE0, b"JFIF\x00")])
@pytest.mark.parametrize("side", [240, 900])
def test_metadata_that_are_cut_refuse_nothing(side: int, broken: bytes) -> None:
    plain = encode(photo(side, side))
    assert canonical(with_segments(plain, broken), RULES) == canonical(plain, RULES)


# -- what is dear to decode


def claiming(file: bytes, width: int, height: int) -> bytes:
    """The file with a frame header of another size."""
    at = file.index(b"\xff\xc2") + 5
    return file[:at] + height.to_bytes(2) + width.to_bytes(2) + file[at + 4 :]


def repeated(file: bytes, times: int) -> bytes:
    """A progressive JPEG whose second scan comes many times: each has to be decoded."""
    scan = container(file).scans[1]
    again = file[scan.start : scan.end]
    return file[: scan.end] + again * times + file[scan.end :]


def test_the_scans_are_counted_as_they_stand_in_the_file() -> None:
    assert len(container(encode(photo())).scans) == 1
    progressive = encode(photo(), progressive=True)
    assert len(container(progressive).scans) == 10
    assert len(container(repeated(progressive, 50)).scans) == 60


def test_a_jpeg_with_a_thousand_scans_is_refused_at_once() -> None:
    upload = repeated(encode(photo(1000, 1000), progressive=True, quality=5), 1000)
    began = time.thread_time()
    with pytest.raises(ImageTooLarge, match=r"1,010 scans, more than 100"):
        canonical(upload, RULES)
    assert time.thread_time() - began < 0.5


def test_scans_of_many_pixels_are_refused_sooner() -> None:
    upload = claiming(repeated(encode(photo(), progressive=True), 60), 6000, 6000)
    with pytest.raises(ImageTooLarge, match=r"70 scans of 6000 x 6000 pixels"):
        canonical(upload, RULES)


def test_a_small_jpeg_with_many_scans_is_coded_afresh() -> None:
    once = canonical(repeated(encode(photo(), progressive=True), 40), RULES)
    assert len(container(once).scans) == 1
    usual = encode(photo(), progressive=True)
    assert canonical(usual, RULES) == usual
    assert len(container(usual).scans) <= keeping.MAX_KEPT_SCANS


def test_decoding_has_a_bound_on_its_time() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500, 3), np.uint8)
    upload = encode(Image.fromarray(noise), quality=95, progressive=True)
    in_no_time = ImageRules(canonical_size=1499, max_pixels=40_000_000, max_decode_s=0.01)
    began = time.thread_time()
    with pytest.raises(ImageTooLarge, match=r"more than 0\.01 s of processor time"):
        canonical(upload, in_no_time)
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize("filler", [b"\xff\xfe\x00\x02", b"\xff\xe1\x00\x02", b"\xff\xd0"])
def test_millions_of_segments_are_refused_before_anybody_reads_them(filler: bytes) -> None:
    upload = with_segments(encode(photo()), filler * 2_000_000)
    began = time.thread_time()
    with pytest.raises(ImageTooLarge, match="more than 5,000 segments"):
        canonical(upload, RULES)
    assert time.thread_time() - began < 0.5


@pytest.mark.parametrize("filler", [b"\xff", b"\xff\x00", b"\xff\xd0", b"\x00"])
def test_no_coded_bytes_take_long_to_walk_over(filler: bytes) -> None:
    whole = encode(photo())
    upload = whole[:-2] + filler * (8_000_000 // len(filler)) + whole[-2:]
    began = time.thread_time()
    assert len(container(upload).scans) == 1
    assert time.thread_time() - began < 1


# -- what may be missing at the end


@pytest.mark.parametrize("side", [12, 300, 1000])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_may_lack_its_end_and_loses_no_pixel_by_it(side: int, mode: str) -> None:
    image = photo(side, side).convert(mode)
    in_full = canonical(encode(image), RULES)
    for missing in (1, 2):
        assert canonical(encode(image)[:-missing], RULES) == in_full


@pytest.mark.parametrize("side", [300, 2000])
def test_a_jpeg_may_lack_its_last_lines(side: int) -> None:
    whole = encode(photo(side, side))
    ours = decoded(canonical(whole[: int(len(whole) * 0.985)], RULES)).astype(int)
    in_full = decoded(canonical(whole, RULES)).astype(int)
    difference = np.abs(ours - in_full)
    there = len(ours) - max(len(ours) // 40, 40 * len(ours) // side)
    assert difference[:there].max() <= 12
    assert difference.mean() < 3


@pytest.mark.parametrize("side", [40, 300, 2000])
def test_a_jpeg_that_lacks_more_lines_is_refused(side: int) -> None:
    whole = encode(photo(side, side))
    with pytest.raises(ImageUnreadable, match=r"cut short: \d+% of its lines are missing"):
        canonical(whole[: int(len(whole) * 0.8)], RULES)


def test_a_progressive_jpeg_may_lack_its_finest_bits_and_no_more() -> None:
    whole = encode(photo(), progressive=True)
    scans = container(whole).scans
    for cut in (len(whole) - 2, scans[-1].end - 50, scans[-2].start + 500):
        ours = decoded(canonical(whole[:cut], RULES)).astype(int)
        assert np.abs(ours - decoded(whole)).mean() < 4
    with pytest.raises(ImageUnreadable, match="progressive JPEG is cut short"):
        canonical(whole[: scans[3].end - 5], RULES)


def test_a_cut_jpeg_is_never_kept_as_it_came() -> None:
    kept = canonical(encode(photo())[:-2], RULES)
    assert kept.endswith(b"\xff\xd9")
    assert pixels(kept, 256, 224).shape == (224, 224, 3)
