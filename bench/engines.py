"""Compares the engines of the index in one run, over the same vectors: local files and Milvus.

    python -m bench.engines --features FOLDER_OF_PHOTOS --sizes 5000 60000 300000

Each engine trains on one catalogue, answers the same queries one after the other, and takes in a
tenth more. Milvus runs on this machine, in a network namespace, which takes root; what its
processes use while nobody asks is taken off, and so is the memory of an empty server. For each
engine and size a command is printed that records the figures.
"""

import argparse
import re
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

SIZES = (5_000, 60_000, 300_000)
NPROBS = (1, 5, 20, 100)
SHOWN = 5  # of these, in the table
NEIGHBOURS, QUERIES = 10, 300
IDLE_S = 10.0  # for which Milvus is watched while nobody asks it
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
    """Measures both engines at each size."""
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
    """Measures one engine and prints the command that records it."""
    given = from_environment(**{key.lower(): value for key, value in settings.items()})
    engine = engine_of(given, images.catalogue)
    generations = GenerationStore(folder / "index", engine=engine)
    trainer = Trainer(images.catalogue, generations, BuildRules(0, "auto"), keep_generations=2)
    empty = _memory("VmRSS")
    figures = {"training_s": f"{_timed(images.catalogue, trainer, 'train'):.1f}"}
    print(f"{given.index_engine}: training {figures['training_s']} s", flush=True)
    idle = _idle_cores()
    for nprob in NPROBS:
        found = _searched(generations.current(), images, nprob, idle)
        print(f"   NPROB {nprob}: {found}", flush=True)
        figures |= found if nprob == SHOWN else {}
    files = sum(path.stat().st_size for path in generations.current().folder.iterdir())
    figures["host_bytes"] = f"{files / size:.0f}"
    if settings:
        held = _memory("VmRSS") - empty
        figures |= {
            "milvus_idle_cores": f"{idle:.2f}",
            "milvus_bytes": f"{held / size:.0f}",
            "milvus_disk_bytes": f"{_bytes_below(folder / 'milvus') / size:.0f}",
            "milvus_empty_mb": f"{empty / 1e6:.0f}",
            "milvus_peak_mb": f"{_memory('VmHWM') / 1e6:.0f}",
        }
    model = images.catalogue.models.in_use()
    assert model is not None
    more = enumerate(images.rows[size:], size + 1)
    fill(images.catalogue, (blank(f"{n}", model, row) for n, row in more))
    figures["update_10_s"] = f"{_timed(images.catalogue, trainer, 'update'):.1f}"
    words = " ".join(f"{name}={value}" for name, value in figures.items())
    column = f"{given.index_engine}, {size:,}"
    print(f'python -m docs.tables.record engines "{column}" {words}', flush=True)


def _timed(catalogue: Catalogue, trainer: Trainer, kind: str) -> float:
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind(kind)).task_id)
    assert task is not None
    began = time.perf_counter()
    trainer.run(task, lambda phase, progress: None)
    return time.perf_counter() - began


def _idle_cores() -> float:
    """Returns how many cores Milvus uses while nobody asks it."""
    before = _processor_s(*_servers())
    time.sleep(IDLE_S)
    return (_processor_s(*_servers()) - before) / IDLE_S


def _searched(generation: Generation, images: Set, nprob: int, idle: float) -> dict[str, str]:
    """Answers all queries, one after the other; the processor time is that of a search, without
    what Milvus uses anyway."""
    request, found, took = SearchRequest(NEIGHBOURS, nprob, np.inf), 0, []
    rank(generation, images.queries[1][0], request)
    before, theirs_before = _processor_s(psutil.Process()), _processor_s(*_servers())
    for seq, query, limit in zip(*images.queries, images.limits, strict=True):
        began = time.perf_counter()
        _, dist = rank(generation, query, request, own_seq=int(seq))
        took.append(time.perf_counter() - began)
        found += int((dist <= limit + 1e-4).sum())
    own_ms = 1000 * (_processor_s(psutil.Process()) - before) / QUERIES
    theirs_s = _processor_s(*_servers()) - theirs_before
    milvus_ms = 1000 * max(0.0, theirs_s - idle * sum(took)) / QUERIES
    figures = {
        "recall": f"{found / (NEIGHBOURS * QUERIES):.4f}",
        "p50_ms": f"{1000 * median(took):.2f}",
        "own_ms": f"{own_ms:.2f}",
    }
    return figures | ({"milvus_ms": f"{milvus_ms:.2f}"} if _servers() else {})


def _servers() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if each.name() == "milvus"]


def _processor_s(*processes: psutil.Process) -> float:
    spent = [each.cpu_times() for each in processes]
    return float(sum(each.user + each.system for each in spent))


def _memory(field: str) -> int:
    """Returns a field of what Linux says of Milvus' memory, in bytes; 0 where there is none."""
    status = "".join(Path(f"/proc/{each.pid}/status").read_text() for each in _servers())
    return sum(1024 * int(kb) for kb in re.findall(rf"^{field}:\s+(\d+) kB$", status, re.M))


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


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
