"""How many lists an index has, and k-means, which finds their centres."""

import math
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann.device import Device

POINTS_PER_LIST = 39  # the fewest that k-means takes without complaint
ITERATIONS = 10  # of k-means; FAISS takes as many for IVF
SAMPLE_PER_LIST = 128  # images that a training looks at; more did not change recall
SAMPLE_MOST = 1 << 18  # in all: 1.3 GB of features, where they have 1,280 dimensions


def lists_for(size: int) -> int:
    """Returns how many lists split the features of `size` images.

    It is twice the root of their number, each with enough to train. Measured at a million: half as
    many lists had to scan three to five times the codes for the same recall.
    """
    return max(1, min(2 * math.isqrt(size), size // POINTS_PER_LIST))


def sample_size(size: int) -> int:
    """Returns how many of `size` images a training looks at."""
    return min(size, SAMPLE_MOST, max(SAMPLE_PER_LIST * lists_for(size), 10_000))


def centres(
    sample: NDArray[np.float32], count: int, device: Device, report: Callable[[float], None]
) -> NDArray[np.float32]:
    """Runs k-means, one iteration after the other.

    Args:
        sample: float32 [n, D].
        report: called after each iteration with the share that is done, 0..1.
    Returns:
        float32 [count, D].
    """
    clustering: Any = faiss.Clustering(sample.shape[1], count)
    clustering.niter = 1
    flat = device.flat(sample.shape[1])
    for done in range(ITERATIONS):
        clustering.train(sample, flat)  # from the centres that it has, once it has some
        report((done + 1) / ITERATIONS)
    found: NDArray[np.float32] = faiss.vector_to_array(clustering.centroids)
    return found.reshape(count, -1)
