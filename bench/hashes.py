"""The peers' way to duplicates: perceptual hashes of 64 bits, and a limit on the bits that differ.

Hashes by imagehash, whose `phash` and `dhash` are the methods that imagededup has, too; 10 bits is
the limit that imagededup has by default, and 4 is stricter.
"""

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASHES = {"phash": imagehash.phash, "dhash": imagehash.dhash}
LIMITS = (4, 10)  # bits
BLOCK = 1024  # images that are compared with all others at once

Pair = frozenset[str]


@dataclass(frozen=True)
class Peer:
    """Holds what a hash found: its name with its limit, the pairs, and the seconds it took."""

    name: str
    pairs: set[Pair]
    took_s: float


def peers(images: dict[str, bytes]) -> Iterator[Peer]:
    """Finds pairs among images, by id, by each hash and limit."""
    names = [*images]
    for name, hash_of in HASHES.items():
        began = time.perf_counter()
        hashes = np.array([_number(hash_of(_opened(file))) for file in images.values()], np.uint64)
        hashed_s = time.perf_counter() - began
        for limit in LIMITS:
            began = time.perf_counter()
            pairs = {frozenset((names[a], names[b])) for a, b in near(hashes, limit)}
            took_s = hashed_s + time.perf_counter() - began
            yield Peer(f"{name}, {limit} bits", pairs, took_s)


def _opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def _number(found: imagehash.ImageHash) -> int:
    return int(str(found), 16)


def near(hashes: NDArray[np.uint64], limit: int) -> Iterator[tuple[int, int]]:
    """Yields the places of hashes, uint64 [n], of which at most `limit` bits differ, each pair
    once."""
    for start in range(0, len(hashes), BLOCK):
        bits = np.bitwise_count(hashes[start : start + BLOCK, None] ^ hashes[None, start:])
        for a, b in np.argwhere(bits <= limit).tolist():
            if a < b:
                yield start + a, start + b
