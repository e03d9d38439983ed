"""Photos as a network takes them: the packaged ones, or those in a folder."""

from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from export.errors import ExportRefused
from local import photos
from sidecar import images
from sidecar.errors import SimilarityError

if TYPE_CHECKING:  # the rules are read where torch is not needed
    from export.networks import Network

RULES = images.ImageRules(canonical_size=384, max_pixels=100_000_000)

Pixels = NDArray[np.uint8]


def packaged(network: "Network", start: int, count: int) -> Pixels:
    """Returns cuts of the packaged photos: uint8 [count, S, S, 3].

    Raises:
        ExportRefused: the package that holds them isn't installed.
    """
    try:
        cuts = list(islice(photos.variations(start + count), start, None))
    except photos.PhotosMissing as error:
        raise ExportRefused(str(error)) from error
    return np.stack([images.pixels(jpeg, network.resize, network.crop) for _, jpeg in cuts])


def calibration(network: "Network", folder: Path | None, count: int) -> Pixels:
    """Returns the images by which a version is measured: uint8 [n, S, S, 3].

    Args:
        folder: every readable image in it is taken; None takes `count` packaged photos.
    Raises:
        ExportRefused: the folder has no readable image.
    """
    if folder is None:
        return packaged(network, 0, count)
    return _inside(folder, network.resize, network.crop)


@lru_cache(maxsize=1)  # the projection and int8 both ask
def _inside(folder: Path, resize: int, crop: int) -> Pixels:
    pixels = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            jpeg = images.canonical(path.read_bytes(), RULES)
            pixels.append(images.pixels(jpeg, resize, crop))
        except SimilarityError:
            continue  # a folder of photos has other files too
    if not pixels:
        raise ExportRefused(f"--calibration {folder} has no readable image")
    return np.stack(pixels)
