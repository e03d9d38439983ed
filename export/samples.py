"""Photos as a network takes them: the packaged ones, or those in a folder."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
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


def jpegs(folder: Path, most: int) -> list[bytes]:
    """Returns the canonical JPEGs of photos in a folder, spread over all that it has."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    found: list[bytes] = []
    for path in _spread(paths):
        if len(found) == most:
            break
        with suppress(SimilarityError):  # a folder of photos has other files too
            found.append(images.canonical(path.read_bytes(), RULES))
    return found


def pixels_of(network: "Network", files: Sequence[bytes]) -> Pixels:
    """Returns what a network takes of canonical JPEGs: uint8 [n, S, S, 3]."""
    ready = (images.canonical(file, RULES) for file in files)
    return np.stack([images.pixels(jpeg, network.resize, network.crop) for jpeg in ready])


def _spread(paths: list[Path]) -> Iterator[Path]:
    """Yields all paths, neighbours far from each other: folders of one kind of photo are mixed."""
    step = max(1, round(len(paths) ** 0.5))
    for start in range(step):
        yield from paths[start::step]


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
