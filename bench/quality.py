"""Measures how well searches find photos of one label, in the order of distances and of scores.

    python -m bench.quality FOLDER

FOLDER has a folder of photos for each label, or a `labels.csv` with the columns `file` and `label`.
The newest version in the model repository embeds every photo as the service would. Each that has
another of its label is searched for among all others, exactly. And each is searched for by a twin,
itself at half the size and a low quality: R@1 is the share of twins that find it first.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import features, labelled
from docs.tables.markdown import table
from export.samples import RULES
from local.stack import ROOT
from sidecar.images import canonical, pixels
from sidecar.images.twins import LOW, saved
from sidecar.index.reranking import RERANKED, order, scores
from sidecar.models import contract

Rows = NDArray[np.float32]
Files = Iterator[bytes]


def embedded(files: Files, repository: Path) -> Rows:
    """Embeds photos by the newest version: float32 [n, D], as the index would hold them."""
    version = contract.read(repository, contract.versions(repository)[-1])
    model = contract.folder(repository, version.version) / contract.MODEL_FILE
    ready = (pixels(canonical(file, RULES), version.resize, version.crop) for file in files)
    rows = np.concatenate([*features.embedded(model, ready)])
    return rows.astype(np.float16).astype(np.float32)


def twin(path: Path) -> bytes:
    """Makes the twin of a photo."""
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    half = rgb.resize((max(1, rgb.width // 2), max(1, rgb.height // 2)), Image.Resampling.BICUBIC)
    return saved(half, LOW)


class Orders:
    """Searches among all photos, in both orders, and times the second.

    Attributes:
        took_s: the seconds that each ordering by scores took.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.took_s: list[float] = []

    def of(self, query: Rows, own: int | None = None) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Returns all photos by distance, and with the first hundred by their scores, int64 [n].

        Args:
            own: the place of the query itself, which is left out.
        """
        near = np.argsort(-(self._rows @ query), kind="stable")
        near = near[near != own]
        first = self._rows[near[:RERANKED]]
        began = time.perf_counter()
        places = order(scores(query, first))
        self.took_s.append(time.perf_counter() - began)
        return near, np.concatenate([near[places], near[RERANKED:]])


def of_a_kind(
    orders: Orders, rows: Rows, labels: labelled.Labels
) -> dict[str, NDArray[np.float64]]:
    """Returns P@5 and the average precision of each query in both orders, float64 [q, 2]."""
    measures: dict[str, Callable[[NDArray[np.bool_]], float]] = {
        "P@5": labelled.precision,
        "mAP": labelled.average_precision,
    }
    found: dict[str, list[list[float]]] = {name: [] for name in measures}
    for place in labelled.asked_with(labels).tolist():
        both = [labels[each] == labels[place] for each in orders.of(rows[place], place)]
        for name, measure in measures.items():
            found[name].append([measure(relevant) for relevant in both])
    return {name: np.array(values) for name, values in found.items()}


def of_twins(orders: Orders, twins: Rows) -> NDArray[np.float64]:
    """Returns whether each photo is the first that its twin finds, in both orders, [n, 2]."""
    first = [[each[0] for each in orders.of(query)] for query in twins]
    return np.equal(first, np.arange(len(twins))[:, None]).astype(np.float64)


def main() -> int:
    """Prints a table: both orders, and the gain with the standard error of the paired gains."""
    arguments = _parser().parse_args()
    files, labels = labelled.read(arguments.folder)
    if not len(labelled.asked_with(labels)):
        sys.exit(f"{arguments.folder} has no two photos of one label")
    rows = embedded((file.read_bytes() for file in files), arguments.repository)
    orders = Orders(rows)
    measured = of_a_kind(orders, rows, labels)
    twins = embedded(map(twin, files), arguments.repository)
    measured["R@1 of twins"] = of_twins(orders, twins)
    head = ["", "searches", "distance", "similar", "gain", "standard error of it"]
    print(table(head, [_row(name, values) for name, values in measured.items()]))
    print(f"{median(orders.took_s) * 1000:.2f} ms to order {RERANKED} of {rows.shape[1]} features")
    return 0


def _row(name: str, values: NDArray[np.float64]) -> list[str]:
    gains = values[:, 1] - values[:, 0]
    error = gains.std() / len(gains) ** 0.5
    distance, similar = values.mean(axis=0)
    head = [name, f"{len(values)}", f"{distance:.4f}", f"{similar:.4f}"]
    return [*head, f"{gains.mean():+.4f}", f"{error:.4f}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repository", type=Path, default=ROOT / "model_repository")
    return parser


if __name__ == "__main__":
    sys.exit(main())
