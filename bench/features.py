"""Makes features to measure an index with: those of real photos, and large sets mixed of them."""

import io
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.photos import paths
from sidecar.models import contract

VIEWS = 12  # of each photo: the whole, and random crops
PACKAGED = 2000  # variations of the packages' photos, where no others are given
SMALLEST_CROP = 0.15  # of the area
AT_ONCE = 240  # views that are embedded at once
PARTS = 4  # photos in a mixture: a pair of pairs
NOISE = 0.3  # its length, beside a feature's 1
BLOCK = 8192

Rows = NDArray[np.float32]


def real(source: Path | None, repository: Path) -> Rows:
    """Returns features of real photos, float32 [n, D], in a random order.

    Args:
        source: an .npy of them, or a folder of photos, which the newest model in the repository
            embeds; without it, that model and the photos of the packages.
    """
    if source is not None and source.is_file():
        stored = np.load(source)
        features = stored.reshape(-1, stored.shape[-1]).astype(np.float32)
    else:
        version = contract.read(repository, contract.versions(repository)[-1])
        folder = contract.folder(repository, version.version)
        pixels = _views(source, version.crop)
        features = np.concatenate([*embedded(folder / contract.MODEL_FILE, pixels)])
    return _unit(np.random.default_rng(0).permutation(features))


def mixed(base: Rows, count: int, seed: int) -> Iterator[Rows]:
    """Mixes features like those of many more photos: four at random (pairs of pairs), and noise.

    Mixtures with the same dominant photo are neighbours, as real photos of one kind are.

    Yields:
        float32 [n, D], `count` rows in all.
    """
    random = np.random.default_rng(seed)
    width = base.shape[1]
    for start in range(0, count, BLOCK):
        size = min(BLOCK, count - start)
        chosen = random.integers(0, len(base), (PARTS, size))
        shares = random.dirichlet([2] * PARTS, size).astype(np.float32).T
        mixture = _unit(np.einsum("ps,psd->sd", shares, base[chosen]))
        noise = random.standard_normal((size, width), np.float32)
        yield _unit(mixture + np.float32(NOISE / width**0.5) * noise)


def _views(source: Path | None, crop: int) -> Iterator[NDArray[np.uint8]]:
    from local import photos  # here and below: only the bench's first process needs them

    files: Iterable[Path | io.BytesIO]
    if source is None:
        files = (io.BytesIO(jpeg) for _, jpeg in photos.variations(PACKAGED))
    else:
        files = paths(source)
    random = np.random.default_rng(0)
    for file in files:
        with Image.open(file) as image:
            rgb = image.convert("RGB")
        for view in range(VIEWS if source is not None else 1):
            box = _box(rgb.size, random) if view else (0, 0, *rgb.size)
            yield np.asarray(rgb.resize((crop, crop), Image.Resampling.BILINEAR, box), np.uint8)


def _box(size: tuple[int, int], random: np.random.Generator) -> tuple[int, int, int, int]:
    """Draws a part of a photo, of its own proportions or a little wider or higher."""
    area, shape = random.uniform(SMALLEST_CROP, 1), np.exp(random.uniform(-0.3, 0.3))
    width = min(size[0], round(size[0] * (area * shape) ** 0.5))
    height = min(size[1], round(size[1] * (area / shape) ** 0.5))
    left = int(random.integers(0, size[0] - width + 1))
    top = int(random.integers(0, size[1] - height + 1))
    return left, top, left + width, top + height


def embedded(model: Path, views: Iterator[NDArray[np.uint8]]) -> Iterator[Rows]:
    """Runs the file of a version over views, any iterator of uint8 [S, S, 3].

    Yields:
        float32 [n, D], in their order.
    """
    from export import runtime

    done = 0
    while batch := list(islice(views, AT_ONCE)):
        yield runtime.run(model, np.stack(batch))[0]
        done += len(batch)
        print(f"\r{done} views embedded\033[K", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _unit(rows: Rows) -> Rows:
    unit: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
