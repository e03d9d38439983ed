"""Compares the engines of the index in one run, over the same vectors: local files and Milvus.

    python -m bench.engines --features FOLDER_OF_PHOTOS --sizes 60000 300000

Each engine trains on one catalogue, answers the same queries one after the other, and takes in a
tenth more. Milvus runs on this machine, in a network namespace, which takes root; its processor
time is that of its process, all of it: it also works between searches.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.features import mixed, real
from bench.filling import blank, fill
from local.milvus import milvus
from sidecar.catalogue import Catalogue, TaskKind, open_catalogue
from sidecar.index import BuildRules, Generation, GenerationStore, SearchRequest, rank
from sidecar.index.engines import engine_of
from sidecar.settings import from_environment
from sidecar.tasks.training import Trainer

SIZES = (60_000, 300_000)
NPROBS = (1, 5, 20, 100)
NEIGHBOURS, QUERIES = 10, 300
MORE = 0.1  # of the images, that an update takes in
LEASE_S = 3600.0

Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Set:
    """The images of a size.

    Args:
        queries: sequence numbers int64 [Q] and features float32 [Q, D].
        limits: float32 [Q], the distance of the tenth neighbour of each.
    """

    catalogue: Catalogue
    rows: Rows
    queries: tuple[NDArray[np.int64], Rows]
    limits: NDArray[np.float32]


def main() -> int:
    """Prints a table for each size."""
    arguments = _parser().parse_args()
    base = real(arguments.features, arguments.repository)
    for size in arguments.sizes:
        rows = np.concatenate([*mixed(base, round(size * (1 + MORE)), size)])
        print(f"\n{size:,} images, {rows.shape[1]} values each")
        for name in ("local", "milvus"):
            with tempfile.TemporaryDirectory() as folder:
                _measure(name, Path(folder), rows, size)
    return 0


def _measure(name: str, folder: Path, rows: Rows, size: int) -> None:
    images = _set(folder, rows, size)
    try:
        if name == "local":
            _one(images, {}, folder, size)
            return
        with milvus(_made(folder / "milvus")) as settings:
            _one(images, settings, folder, size)
    finally:
        images.catalogue.close()


def _set(folder: Path, rows: Rows, size: int) -> Set:
    """Fills a catalogue with the first rows; the others are for the update."""
    catalogue = open_catalogue(f"sqlite:///{folder}/catalogue.sqlite", LEASE_S)
    model = catalogue.models.adopt(1, "0" * 64, rows.shape[1])
    fill(catalogue, (blank(f"{n}", model, row) for n, row in enumerate(rows[:size], 1)))
    drawn = np.random.default_rng(1).choice(size, QUERIES, replace=False)
    stored = rows[:size].astype(np.float16).astype(np.float32)
    near = np.empty((QUERIES, NEIGHBOURS + 1), np.float32)
    for place, query in enumerate(stored[drawn]):
        dist = np.square(stored - query).sum(axis=1)
        near[place] = np.sort(np.partition(dist, NEIGHBOURS)[: NEIGHBOURS + 1])
    return Set(catalogue, rows, (drawn + 1, stored[drawn]), near[:, -1])


def _one(images: Set, settings: dict[str, str], folder: Path, size: int) -> None:
    """Prints what was measured of one engine."""
    given = from_environment(**{key.lower(): value for key, value in settings.items()})
    engine = engine_of(given, images.catalogue)
    generations = GenerationStore(folder / "index", engine=engine)
    trainer = Trainer(images.catalogue, generations, BuildRules(0, "auto"), keep_generations=2)
    print(f"{given.index_engine}: training {_timed(images.catalogue, trainer, 'train'):.1f} s")
    for nprob in NPROBS:
        print("  ", _searched(generations.current(), images, nprob))
    model = images.catalogue.models.in_use()
    assert model is not None
    more = enumerate(images.rows[size:], size + 1)
    fill(images.catalogue, (blank(f"{n}", model, row) for n, row in more))
    print(f"   update by a tenth {_timed(images.catalogue, trainer, 'update'):.1f} s")
    files = sum(path.stat().st_size for path in generations.current().folder.iterdir())
    print(f"   on this host {files / size:.0f} bytes an image; Milvus {_memory() / 1e6:.0f} MB")


def _timed(catalogue: Catalogue, trainer: Trainer, kind: str) -> float:
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind(kind)).task_id)
    assert task is not None
    began = time.perf_counter()
    trainer.run(task, lambda phase, progress: None)
    return time.perf_counter() - began


def _searched(generation: Generation, images: Set, nprob: int) -> str:
    request, found, took = SearchRequest(NEIGHBOURS, nprob, np.inf), 0, []
    rank(generation, images.queries[1][0], request)
    before = _processor_s()
    for seq, query, limit in zip(*images.queries, images.limits, strict=True):
        began = time.perf_counter()
        _, dist = rank(generation, query, request, own_seq=int(seq))
        took.append(time.perf_counter() - began)
        found += int((dist <= limit + 1e-4).sum())
    processor_ms = 1000 * (_processor_s() - before) / QUERIES
    recall = found / (NEIGHBOURS * QUERIES)
    return (
        f"NPROB {nprob}: recall {recall:.4f}, p50 {1000 * median(took):.2f} ms, "
        f"processor {processor_ms:.2f} ms a search"
    )


def _servers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if each.name() == "milvus"]


def _processor_s() -> float:
    """Returns the processor time of this process and of Milvus."""
    spent = [each.cpu_times() for each in (psutil.Process(), *_servers())]
    return float(sum(each.user + each.system for each in spent))


def _memory() -> int:
    return sum(each.memory_info().rss for each in _servers())


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.add_argument("--features", type=Path, help="a folder of photos, or an .npy")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
