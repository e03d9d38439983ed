"""Reads photos with labels, and says how well an order finds those of one label."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.photos import paths

FIRST = 5  # of which the precision is measured

Labels = NDArray[np.str_]


def read(folder: Path) -> tuple[list[Path], Labels]:
    """Lists the photos of a folder and the label of each, [n].

    The labels are in `labels.csv`, with the columns `file` and `label`; without it, the name of the
    folder that a photo lies in is its label.
    """
    listed = folder / "labels.csv"
    if not listed.exists():
        files = paths(folder)
        return files, np.array([file.parent.name for file in files])
    with listed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [folder / row["file"] for row in rows], np.array([row["label"] for row in rows])


def asked_with(labels: Labels) -> NDArray[np.intp]:
    """Returns which photos have another one of their label, int64 [q]: the queries."""
    _, kinds, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[kinds] > 1)


def precision(relevant: NDArray[np.bool_]) -> float:
    """Returns the share of relevant photos among the first five of an order, bool [n]."""
    return float(relevant[:FIRST].mean())


def average_precision(relevant: NDArray[np.bool_]) -> float:
    """Returns the mean, over the relevant photos of an order, bool [n], of the share of relevant
    photos up to each."""
    places = np.flatnonzero(relevant)
    return float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))
