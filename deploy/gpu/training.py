"""Trains, fills and measures an index by the project's own code, on the CPU or on GPUs.

    python -m deploy.gpu.training cpu|gpu VECTORS DIMENSION

It needs nothing but faiss and numpy, and prints one JSON object: the share of the true neighbours
that its codes find, and these neighbours.
"""

import json
import sys
from typing import cast

import numpy as np
from numpy.typing import NDArray

from sidecar.index.ann import Device, DeviceName, Index, Nearest, SearchParams

QUERIES = 512
KEPT = 10
PARAMS = SearchParams(lists=16, candidates=100)


def main(device_name: str, size: str, dimension: str) -> int:
    """Builds an index on a device and prints how well it finds."""
    device = Device(cast(DeviceName, device_name))
    vectors = unit_vectors(int(size), int(dimension))
    labels = np.arange(len(vectors))
    index = Index.train(vectors, len(vectors), device)
    index.add(labels, vectors, device)
    truth = true_neighbours(vectors, device)
    found = index.candidates(vectors[:QUERIES], PARAMS)
    hits = [len(set(near) & set(row)) for near, row in zip(truth, found, strict=True)]
    print(
        json.dumps({"gpus": device.gpus, "recall": sum(hits) / truth.size, "truth": truth.tolist()})
    )
    return 0


def unit_vectors(count: int, dimension: int) -> NDArray[np.float32]:
    """Draws points around centres on the sphere, the same each time."""
    random = np.random.default_rng(0)
    centres = random.normal(size=(200, dimension))
    points = centres[random.integers(0, 200, count)] + random.normal(size=(count, dimension))
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), np.float32)


def true_neighbours(vectors: NDArray[np.float32], device: Device) -> NDArray[np.int64]:
    """Returns labels of the true neighbours of the first vectors: int64 [QUERIES, KEPT]."""
    labels = np.arange(len(vectors))
    known = (np.full((QUERIES, KEPT), -1), np.full((QUERIES, KEPT), np.inf, np.float32))
    nearest = Nearest(vectors[:QUERIES], labels[:QUERIES], known, device)
    for start in range(0, len(vectors), 5000):
        nearest.compare(labels[start : start + 5000], vectors[start : start + 5000])
    return nearest.labels


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
