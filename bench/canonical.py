"""Measures what canonical JPEGs with all of their colour cost, and what an ICC profile does.

    python -m bench.canonical --images FOLDER_OF_PHOTOS --profile DISPLAY.icc

Each photo is encoded at the canonical quality with colour at every pixel (4:4:4), as the service
does, and at a quarter of them (4:2:0). With `--profile`, each is made canonical as a PNG with that
profile, and as one without.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, median
from typing import TypeVar

from PIL import Image

from bench.photos import photos
from sidecar.images import ImageRules, canonical, pixels
from sidecar.images.codec import FULL_COLOUR, JPEG_QUALITY

QUARTER = 2  # libjpeg's number for 4:2:0
RULES = ImageRules(canonical_size=384, max_pixels=64_000_000)
RESIZE, CROP = 256, 224
Images = list[Image.Image]
Item = TypeVar("Item")


def main() -> int:
    """Prints bytes, and milliseconds of processor time."""
    arguments = _parser().parse_args()
    images = [Image.open(io.BytesIO(file)).convert("RGB") for file in photos(arguments.images)]
    full, quarter = _measured("4:4:4", images, FULL_COLOUR), _measured("4:2:0", images, QUARTER)
    print(
        f"ratio of bytes, median: {median(a / b for a, b in zip(full, quarter, strict=True)):.3f}"
    )
    if arguments.profile:
        for name, profile in (("with", arguments.profile.read_bytes()), ("without", None)):
            files = [_encoded(image, "PNG", icc_profile=profile) for image in images]
            taken = _median_ms(lambda file: canonical(file, RULES), files)
            print(f"made canonical {name} the profile, median: {taken:.2f} ms")
    return 0


def _measured(name: str, images: Images, subsampling: int) -> list[int]:
    """Prints how one subsampling does; returns the bytes of each photo."""
    jpegs = [_jpeg(image, subsampling) for image in images]
    encoding = _median_ms(lambda image: _jpeg(image, subsampling), images)
    decoding = _median_ms(lambda jpeg: pixels(jpeg, RESIZE, CROP), jpegs)
    sizes = [len(jpeg) for jpeg in jpegs]
    print(
        f"{name}: {mean(sizes):.0f} bytes, encoding {encoding:.2f} ms, to pixels {decoding:.2f} ms"
    )
    return sizes


def _median_ms(call: Callable[[Item], object], items: Iterable[Item]) -> float:
    """Returns the median milliseconds of this thread's processor time."""
    spent = []
    for item in items:
        began = time.thread_time()
        call(item)
        spent.append(1000 * (time.thread_time() - began))
    return median(spent)


def _jpeg(image: Image.Image, subsampling: int) -> bytes:
    return _encoded(image, "JPEG", quality=JPEG_QUALITY, subsampling=subsampling)


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.canonical", description=__doc__)
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="an ICC profile")
    return parser


if __name__ == "__main__":
    sys.exit(main())
