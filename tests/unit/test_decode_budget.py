"""What decoding may cost: memory of the whole process, reckoned before a pixel is read."""

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from campaigns.small_images import psd
from local.stack import ROOT
from sidecar.errors import ImageTooLarge, TooBusy
from sidecar.images import ImageRules, canonical, layouts, pixels, scaling
from sidecar.images import budget as budget_of_process
from sidecar.images.budget import DecodeBudget
from sidecar.images.cost import MEBIBYTE, Header, decode_bytes
from sidecar.images.formats import jxl
from sidecar.images.memory_limit import memory_limit
from tests.support.image_files import decoded, encode

RULES = ImageRules(canonical_size=384, max_pixels=100_000_000)
RED = (200, 30, 90)


def encode_jxl(image: Image.Image) -> bytes:
    import pillow_jxl  # noqa: F401  (it can write JPEG XL then)

    written = encode(image, "JXL")
    jxl.register()
    return written


def partly_covered(gif: bytes) -> bytes:
    """A GIF whose canvas is one pixel larger than its first frame."""
    return gif[:6] + struct.pack("<HH", SIDE + 1, SIDE + 1) + gif[10:]


# -- the budget


def holding(budget: DecodeBudget, cost_bytes: int, until: threading.Event) -> threading.Thread:
    held = threading.Event()

    def hold() -> None:
        with budget.taken(cost_bytes):
            held.set()
            until.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(0.2)
    return thread


def test_images_wait_for_each_other_and_are_refused_when_that_takes_too_long() -> None:
    budget, done = DecodeBudget(100, wait_s=0.1), threading.Event()
    thread = holding(budget, 60, done)
    with budget.taken(40):
        pass
    refused = pytest.raises(TooBusy, match=r"took all of 100 bytes \(MAX_DECODE_BYTES\) for 0.1 s")
    with refused, budget.taken(41):
        pass
    done.set()
    thread.join()
    with budget.taken(100):
        pass


def test_a_waiting_image_goes_on_when_another_is_done() -> None:
    budget, done = DecodeBudget(100), threading.Event()
    thread = holding(budget, 60, done)
    threading.Timer(0.1, done.set).start()
    began = time.monotonic()
    with budget.taken(100):
        assert time.monotonic() - began >= 0.05
    thread.join()


def test_a_large_image_is_not_overtaken_for_ever_by_small_ones() -> None:
    budget, done = DecodeBudget(100, wait_s=10), threading.Event()
    first = holding(budget, 60, done)
    order: list[int] = []

    def take(cost_bytes: int) -> None:
        with budget.taken(cost_bytes):
            order.append(cost_bytes)

    threads = []
    for cost_bytes in (100, 10):
        threads.append(threading.Thread(target=take, args=(cost_bytes,)))
        threads[-1].start()
        time.sleep(0.05)
    assert order == []
    done.set()
    for thread in (first, *threads):
        thread.join()
    assert order == [100, 10]


def test_never_more_is_taken_than_there_is() -> None:
    budget, lock = DecodeBudget(100, wait_s=30), threading.Lock()
    taken = most = 0

    def work(seed: int) -> None:
        nonlocal taken, most
        for cost in np.random.default_rng(seed).integers(1, 130, 100).tolist():
            with budget.taken(cost):
                with lock:
                    taken += min(cost, 100)
                    most = max(most, taken)
                with lock:
                    taken -= min(cost, 100)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == 0
    assert 0 < most <= 100


def test_an_upload_that_never_fits_is_refused_by_its_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budget_of_process, "BUDGET", DecodeBudget(50 * MEBIBYTE))
    upload = encode(Image.new("RGB", (4000, 4000)), "PNG")
    with pytest.raises(ImageTooLarge, match=r"takes \d+ MiB of memory, more than 50 MiB \(MAX_DEC"):
        canonical(upload[:1000], RULES)  # no pixel has to be there
    assert decoded(canonical(encode(Image.new("RGB", (4000, 4000)), "JPEG"), RULES)).width == 384


def test_an_upload_waits_for_others_and_is_then_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    budget, done = DecodeBudget(50 * MEBIBYTE, wait_s=0.1), threading.Event()
    monkeypatch.setattr(budget_of_process, "BUDGET", budget)
    upload = encode(Image.new("RGB", (500, 500)), "PNG")
    jpeg = canonical(upload, RULES)
    thread = holding(budget, 50 * MEBIBYTE, done)
    for decode in (lambda: canonical(upload, RULES), lambda: pixels(jpeg, 256, 224)):
        with pytest.raises(TooBusy):
            decode()
    done.set()
    thread.join()


def test_a_stored_jpeg_is_decoded_however_small_the_budget_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jpeg = canonical(encode(Image.new("RGB", (600, 600), RED), "PNG"), RULES)
    monkeypatch.setattr(budget_of_process, "BUDGET", DecodeBudget(1000))
    assert pixels(jpeg, 256, 224).shape == (224, 224, 3)


@pytest.mark.parametrize(
    ("process", "name", "where"),
    [
        ("0::/\n", "memory.max", "."),
        ("0::/app/sidecar\n", "memory.max", "app"),
        ("4:memory:/docker/abc\n0::/\n", "memory.limit_in_bytes", "memory"),
        ("4:memory:/docker/abc\n", "memory.limit_in_bytes", "memory/docker/abc"),
    ],
)
def test_the_budget_follows_the_limit_of_the_container(
    tmp_path: Path, process: str, name: str, where: str
) -> None:
    (tmp_path / "process").write_text(process)
    (tmp_path / "cgroup" / where).mkdir(parents=True, exist_ok=True)
    (tmp_path / "cgroup" / where / name).write_text(f"{512 * MEBIBYTE}\n")
    assert memory_limit(tmp_path / "process", tmp_path / "cgroup") == 512 * MEBIBYTE
    (tmp_path / "cgroup" / where / name).write_text("max\n")
    assert memory_limit(tmp_path / "process", tmp_path / "cgroup") > 512 * MEBIBYTE


def test_by_default_the_budget_is_an_eighth_of_the_limit() -> None:
    assert DecodeBudget(0).max_bytes == memory_limit() // 8 // MEBIBYTE * MEBIBYTE


# -- what an image costs

SIDE = 1700
IMAGES: dict[str, Callable[[], bytes]] = {
    "rgb.png": lambda: encode(Image.new("RGB", (SIDE, SIDE), RED), "PNG"),
    "rgba.png": lambda: encode(Image.new("RGBA", (SIDE, SIDE), (*RED, 9)), "PNG"),
    "la.png": lambda: encode(Image.new("LA", (SIDE, SIDE)), "PNG"),
    "bits.png": lambda: encode(Image.new("1", (SIDE, SIDE)), "PNG"),
    "palette.png": lambda: encode(Image.new("P", (SIDE, SIDE)), "PNG", transparency=0),
    "deep.png": lambda: encode(Image.fromarray(np.full((SIDE, SIDE), 777, np.uint16)), "PNG"),
    "rgb.webp": lambda: encode(Image.new("RGB", (SIDE, SIDE), RED), "WEBP", lossless=True),
    "rgba.webp": lambda: encode(Image.new("RGBA", (SIDE, SIDE), (*RED, 9)), "WEBP", method=0),
    "rgb.gif": lambda: encode(Image.new("P", (SIDE, SIDE)), "GIF", transparency=0),
    "rgb.tiff": lambda: encode(
        Image.new("RGB", (SIDE, SIDE), RED), "TIFF", compression="tiff_adobe_deflate"
    ),
    "cmyk.tiff": lambda: encode(
        Image.new("CMYK", (SIDE, SIDE)), "TIFF", compression="tiff_adobe_deflate"
    ),
    "part.gif": lambda: partly_covered(encode(Image.new("P", (SIDE, SIDE), 1), "GIF")),
    "rgba.avif": lambda: encode(Image.new("RGBA", (SIDE, SIDE), (*RED, 9)), "AVIF", speed=10),
    "rgba.heif": lambda: encode(
        Image.new("RGBA", (SIDE, SIDE), (*RED, 9)), "HEIF", enc_params={"preset": "ultrafast"}
    ),
    "rgb.jp2": lambda: encode(Image.new("RGB", (SIDE, SIDE), RED), "JPEG2000"),
    "one-level.jp2": lambda: encode(
        Image.new("RGBA", (SIDE, SIDE), (*RED, 9)), "JPEG2000", num_resolutions=1
    ),
    "rgb.tga": lambda: encode(Image.new("RGB", (SIDE, SIDE), RED), "TGA", compression="tga_rle"),
    "rgba.tga": lambda: encode(Image.new("RGBA", (SIDE, SIDE), (*RED, 0)), "TGA"),
    "rgb.psd": lambda: psd([np.zeros((SIDE, SIDE), np.uint8)] * 3, 3),
    "rgb.bmp": lambda: encode(Image.new("RGB", (SIDE, SIDE), RED), "BMP"),
    "rgb.jpeg": lambda: encode(Image.new("RGB", (SIDE, SIDE), RED), "JPEG"),
    "progressive.jpeg": lambda: encode(
        Image.new("RGB", (SIDE, SIDE), RED), "JPEG", progressive=True, subsampling=0
    ),
}
if jxl.IS_INSTALLED:
    IMAGES["rgb.jxl"] = lambda: encode_jxl(Image.new("RGB", (SIDE, SIDE), RED))
    IMAGES["rgba.jxl"] = lambda: encode_jxl(Image.new("RGBA", (SIDE, SIDE), (*RED, 9)))
PEAK = """
import ctypes, re, sys
from collections.abc import Callable
from pathlib import Path
from sidecar.images import BUDGET, ImageRules, canonical
from tests.unit.test_decode_budget import small

def memory(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10

reckoned = []
check = BUDGET.check
BUDGET.check = lambda cost: (reckoned.append(cost), check(cost))
for file in sys.argv[1:]:
    canonical(small(file), ImageRules(384, 10**8))
    upload = Path(file).read_bytes()
    ctypes.CDLL(None).malloc_trim(0)  # else what is taken again is not seen
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    canonical(upload, ImageRules(384, 10**8))
    print(Path(file).name, memory("VmHWM") - before, reckoned[-1])
"""


def small(file: str) -> bytes:
    """An image of the same format, so that what a format loads at first is not counted."""
    suffix = Path(file).suffix.removeprefix(".")
    image = Image.new("RGB", (8, 8))
    if suffix == "psd":
        return psd([np.zeros((8, 8), np.uint8)] * 3, 3)
    if suffix == "jxl":
        return encode_jxl(image)
    return encode(image, {"jp2": "JPEG2000"}.get(suffix, suffix))


@pytest.mark.long
def test_no_image_takes_more_memory_than_its_header_lets_expect(tmp_path: Path) -> None:
    for name, make in IMAGES.items():
        (tmp_path / name).write_bytes(make())
    files = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *files], capture_output=True, text=True, cwd=ROOT, check=True
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == len(IMAGES)
    for name, peak, reckoned in lines:
        assert int(peak) <= int(reckoned) + 4 * MEBIBYTE, done.stdout
        assert int(peak) >= int(reckoned) // 10 or name == "rgb.jpeg", done.stdout
        assert int(reckoned) <= 30 * SIDE * SIDE, (name, done.stdout)


def test_the_cost_hangs_on_mode_size_and_format() -> None:
    def cost(kind: str, mode: str) -> int:
        return decode_bytes(Header(kind, mode, decoded=50_000_000, left=1_000_000))

    assert cost("PNG", "1") < cost("PNG", "RGB") < cost("WEBP", "RGB")
    assert cost("PNG", "RGB") == 206 * MEBIBYTE  # 4 bytes for each pixel, 16 for each that is left


# -- scaled while it is decoded, and before it is converted


@pytest.mark.parametrize("size", [(3001, 2000), (1600, 2500)])
@pytest.mark.parametrize("kind", ["JPEG", "JPEG2000"])
def test_the_decoder_scales_where_it_can(kind: str, size: tuple[int, int]) -> None:
    with decoded(encode(Image.new("RGB", size, RED), kind)) as image:
        scaling.draft(image, 384)
        image.load()
        assert 384 <= min(image.size) < 4 * 384
        assert image.size[0] / image.size[1] == pytest.approx(size[0] / size[1], rel=0.01)


def test_a_jpeg_2000_of_few_levels_is_scaled_as_far_as_they_go() -> None:
    upload = encode(Image.new("RGB", (1600, 1600), RED), "JPEG2000", num_resolutions=2)
    with decoded(upload) as image:
        scaling.draft(image, 384)
        image.load()
        assert image.size == (800, 800)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK", "P", "1"])
def test_band_by_band_comes_out_as_at_once(mode: str) -> None:
    """Against Pillow's own way: reduced and resized in one call."""
    y, x = np.mgrid[:1600, :2055]
    smooth = np.stack([x / 13, y / 10, (x + y) / 22, x / 13], axis=-1).astype(np.uint8)
    image = Image.fromarray(smooth, "RGBA").convert("RGB" if mode in "P1CMYK" else mode)
    image = image.convert(mode)
    plan = scaling.plan(image.size, 384)
    assert plan.factors == (2, 2)
    ours = scaling.scaled(image, plan)
    reference = layouts.plain(image).resize((493, 384), Image.Resampling.BICUBIC, reducing_gap=2.0)
    assert ours.size == (493, 384)
    difference = np.abs(np.asarray(ours).astype(int) - np.asarray(reference))
    assert difference.max() <= (3 if "A" in mode else 0)


@pytest.mark.parametrize("size", [(20, 70_000), (70_000, 300)])
def test_an_extreme_shape_is_kept_as_long_as_a_jpeg_may_be(size: tuple[int, int]) -> None:
    upload = encode(Image.new("L", size, 90), "PNG")
    jpeg = canonical(upload, RULES)
    image = decoded(jpeg)
    assert max(image.size) == 65_500
    assert min(image.size) == max(1, round(min(size) * 65_500 / max(size)))
    assert pixels(jpeg, 256, 224)[112, 112].tolist() == [90, 90, 90]
