"""Real photographs that every machine has: those in scikit-image's wheel, and cuts of them.

They calibrate int8 exports and feed the demo, so that neither needs a download. Only scikit-image's
files are read; the package itself is not imported.
"""

import random
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar import images

# Photographs only, of things, animals, surfaces, sky and tissue; the wheel's drawings and test
# patterns are left out, as a network that looks at photos is calibrated on them.
NAMES = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)
CUT_SIDE = 256  # short side of a variation, pixels: small enough to make 1,500 in seconds
SEED = 20240607


class PhotosMissing(Exception):
    """Says which package to install, as the packaged photographs are not on this machine."""


def packaged() -> list[Path]:
    """Returns the photographs in scikit-image's wheel, always in the same order.

    Raises:
        PhotosMissing: scikit-image isn't installed, or ships them no longer.
    """
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise PhotosMissing("the packaged photos are scikit-image's: pip install scikit-image")
    folder = Path(package.origin).parent / "data"
    missing = [name for name in NAMES if not (folder / name).is_file()]
    if missing:
        raise PhotosMissing(f"scikit-image ships no {', '.join(missing)}; use 0.26")
    return [folder / name for name in NAMES]


def variations(count: int) -> Iterator[tuple[str, bytes]]:
    """Cuts the packaged photos: other parts, scales, sides, lights; no two alike.

    The same count gives the same names and bytes on every run, and the first n of any count are
    the same n.

    Args:
        count: how many to make.
    Yields:
        (name, JPEG bytes): "chelsea-0004" and a file with a short side of up to `CUT_SIDE`.
    """
    paths = packaged()
    whole: dict[int, NDArray[np.uint8]] = {}  # decoded when first needed
    chance = random.Random(SEED)  # noqa: S311  the same cuts every time
    for number in range(count):
        which = number % len(paths)
        if which not in whole:
            whole[which] = images.decode(paths[which].read_bytes())
        cut = _light(_part(whole[which], chance), chance)
        yield f"{paths[which].stem}-{number // len(paths):04d}", images.encode(cut, CUT_SIDE)


def _part(photo: NDArray[np.uint8], chance: random.Random) -> NDArray[np.uint8]:
    """Cuts a random rectangle of at least half of each side, mirrored every other time."""
    height, width = (round(side * chance.uniform(0.5, 1)) for side in photo.shape[:2])
    top = chance.randint(0, photo.shape[0] - height)
    left = chance.randint(0, photo.shape[1] - width)
    part = photo[top : top + height, left : left + width]
    return part[:, ::-1] if chance.random() < 0.5 else part


def _light(photo: NDArray[np.uint8], chance: random.Random) -> NDArray[np.uint8]:
    """Changes exposure and white balance: one curve of 256 values for each channel."""
    values = np.arange(256) / 255
    gamma = chance.uniform(0.7, 1.4)
    tones = [values**gamma * chance.uniform(0.85, 1.1) for _ in range(3)]
    curves = (np.stack(tones).clip(0, 1) * 255).round().astype(np.uint8)
    return np.stack([curves[c][photo[:, :, c]] for c in range(3)], axis=-1)
