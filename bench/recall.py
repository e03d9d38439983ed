"""Recall@10 of the index at each NPROB against exact search, over the features of a catalogue.

    python -m bench.recall var/catalogue.sqlite

Queries are stored images, each left out of its own neighbours.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import open_catalogue
from sidecar.index import Index, probes, sample_size

NPROBS = (1, 2, 5, 10, 20, 50, 100)
QUERIES = 500
NEAREST = 10


def main() -> int:
    """Print a line for each NPROB."""
    parser = argparse.ArgumentParser(prog="python -m bench.recall", description=__doc__)
    parser.add_argument("catalogue", type=Path)
    features = _features(parser.parse_args().catalogue)
    began = time.perf_counter()
    index = Index.train(features[: sample_size(len(features))], len(features))
    index.add(np.arange(len(features)), features)
    print(
        f"{len(features)} images, {index.lists} lists, {time.perf_counter() - began:.1f} s to make"
    )
    queries = np.random.default_rng(0).choice(len(features), min(QUERIES, len(features)), False)
    exact = {int(q): _nearest(features, int(q), np.arange(len(features))) for q in queries}
    for nprob in NPROBS:
        hits, spent_s = 0, 0.0
        for query, wanted in exact.items():
            began = time.perf_counter()
            found = index.candidates(features[query], NEAREST + 1, nprob)
            spent_s += time.perf_counter() - began
            hits += len(wanted & _nearest(features, query, found))
        share = hits / (NEAREST * len(exact))
        each_ms = 1000 * spent_s / len(exact)
        visited = probes(index.lists, nprob)
        print(f"NPROB {nprob:3}: {visited:4} lists, recall@10 {share:.4f}, {each_ms:.2f} ms")
    return 0


def _nearest(features: NDArray[np.float32], query: int, candidates: NDArray[np.int64]) -> set[int]:
    others = candidates[candidates != query]
    dist = np.square(features[others] - features[query]).sum(axis=1)
    return set(others[np.argsort(dist)[:NEAREST]].tolist())


def _features(path: Path) -> NDArray[np.float32]:
    catalogue = open_catalogue(f"sqlite:///{path.absolute()}", lease_s=30)
    model = catalogue.models.in_use()
    if model is None:
        sys.exit(f"{path} has no features")
    pages = list(catalogue.vectors.stream(model.model, 0, sys.maxsize))
    return np.concatenate([page.features for page in pages]).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main())
