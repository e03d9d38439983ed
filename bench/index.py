"""Compares the index with plain FAISS: training, updating, recall and speed at several sizes.

    python -m bench.index --features FOLDER_OF_PHOTOS
    python -m bench.index --features features.npy --sizes 10000 100000 --chart recall.svg

Every size gets a catalogue of its own in a temporary folder, which is trained and then updated by a
tenth as a worker does it. Plain FAISS does the same clustering and adding, with everything in
memory; HNSW32 is FAISS' graph index over full features. Each part runs in a process of its own, so
that its peak memory can be measured. A million images take half an hour, 20 GB of disk and 12 GB of
memory.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.features import mixed, real
from bench.filling import blank, fill
from bench.index_report import Figures, draw, print_tables
from sidecar.catalogue import Catalogue, TaskKind, open_catalogue, to_json
from sidecar.index import BuildRules, GenerationStore, SearchRequest, rank
from sidecar.index.ann import lists_for, sample_size, values_per_code
from sidecar.tasks.training import Trainer

SIZES = (10_000, 100_000, 1_000_000)
NPROBS = (1, 2, 5, 10, 20, 50, 100)
EF_SEARCH = (16, 32, 64, 128, 256, 512)
NEIGHBOURS = 10
QUERIES = 500
EXACT_QUERIES = 10
SEARCHING_S = 5.0
IMPORTS_S = 3.0  # until a process searches
AT_ONCE = 2048  # rows read at once
ROW_BYTES = 8 + 4  # a sequence number and a CRC-32
LEASE_S = 3600


def main() -> int:
    """Prints a table for each size and draws the chart."""
    arguments = _parser().parse_args()
    base = real(arguments.features, arguments.repository)
    print(f"{len(base)} features of real photos, {base.shape[1]} values each.")
    print("Larger sets are mixtures of four of them at random, with noise of length 0.3.")
    results: dict[int, Figures] = {}
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            results[size] = _measure(
                Path(folder), base, size, not arguments.no_hnsw, arguments.searching_s
            )
        print_tables(size, results[size])
    if arguments.chart:
        draw(results, arguments.chart)
    return 0


def _measure(
    folder: Path, base: NDArray[np.float32], size: int, hnsw: bool, searching_s: float
) -> Figures:
    new = size // 10
    _write_features(folder, base, size + new + size // 100)
    figures: Figures = {"truth": apart(_truth, folder, size)}
    apart(_fill, folder, 0, size)
    figures["plain train"] = apart(_plain_train, folder, size)
    figures["train"] = apart(_task, folder, "train")
    figures["searches"] = apart(_searches, folder, NPROBS, threads=1)
    figures["cores"] = _side_by_side(folder, searching_s)
    figures["first answer"] = median(apart(_first_answer, folder) for _ in range(3))
    apart(_fill, folder, size, new)
    figures["plain update"] = apart(_plain_update, folder, size, new)
    figures["update"] = apart(_task, folder, "update")
    apart(_fill, folder, size + new, size // 100)
    figures["small update"] = apart(_task, folder, "update")
    figures["exact"] = apart(_exact, folder, size, threads=1)
    if hnsw:
        figures["hnsw"] = apart(_hnsw, folder, size)
    return figures


def apart(work: Callable[..., Any], *arguments: Any, threads: int | None = None) -> Any:
    """Runs work in a process of its own, by default on all cores."""
    os.environ["OMP_NUM_THREADS"] = str(threads or os.cpu_count())
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        print(f"   {work.__name__.strip('_')}…", file=sys.stderr, flush=True)
        return pool.submit(work, *arguments).result()


# -- what there is


def _write_features(folder: Path, base: NDArray[np.float32], count: int) -> None:
    """Writes `count` rows of features: the real ones while they last, then mixtures."""
    with (folder / "vectors.f16").open("wb") as file:
        file.write(base[:count].astype("<f2").tobytes())
        for block in mixed(base, max(0, count - len(base)), seed=1):
            file.write(block.astype("<f2").tobytes())
    (folder / "width").write_text(str(base.shape[1]))


def _features(folder: Path, start: int, count: int) -> NDArray[np.float16]:
    width = int((folder / "width").read_text())
    offset = start * width * 2
    return np.fromfile(folder / "vectors.f16", "<f2", count * width, offset=offset).reshape(
        -1, width
    )


def _wide(folder: Path, start: int, count: int) -> NDArray[np.float32]:
    return _features(folder, start, count).astype(np.float32)


def _catalogue(folder: Path) -> Catalogue:
    return open_catalogue(f"sqlite:///{folder}/catalogue.sqlite", LEASE_S)


def _fill(folder: Path, start: int, count: int) -> None:
    catalogue = _catalogue(folder)
    width = int((folder / "width").read_text())
    model = catalogue.models.adopt(1, "0" * 64, width)
    for first in range(start, start + count, AT_ONCE):
        rows = _wide(folder, first, min(AT_ONCE, start + count - first))
        fill(catalogue, (blank(f"{n}", model, row) for n, row in enumerate(rows, first + 1)))
    catalogue.close()


# -- training and updating


def _task(folder: Path, kind: str) -> Figures:
    """Runs a task as the worker does; also returns what it wrote, and the memory at its peak."""
    catalogue, generations = _catalogue(folder), GenerationStore(folder / "index")
    trainer = Trainer(catalogue, generations, BuildRules(0, "auto"), keep_generations=2)
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind(kind)).task_id)
    assert task is not None
    before = _inodes(folder / "index")
    phases: dict[str, float] = {}
    began = time.perf_counter()

    def note(phase: str, progress: float) -> None:
        phases.setdefault(phase, time.perf_counter() - began)

    done = trainer.run(task, note)
    took = time.perf_counter() - began
    generation = generations.current()
    files = [path.stat() for path in generation.folder.iterdir()]
    written = sum(each.st_size for each in files if each.st_ino not in before)
    return {
        "s": took,
        "phases": phases,
        "peak": _peak_bytes(),
        "bytes": sum(each.st_size for each in files),
        "written": written,
        "images": done.images,
        "report": to_json(done.report),
    }


def _inodes(folder: Path) -> set[int]:
    return {path.stat().st_ino for path in folder.rglob("*")}


def _plain_train(folder: Path, size: int) -> Figures:
    """Does the same clustering and adding, everything in memory."""
    vectors = _wide(folder, 0, size)
    sample = vectors[np.random.default_rng(0).choice(size, sample_size(size), replace=False)]
    began = time.perf_counter()
    index = faiss.index_factory(vectors.shape[1], _spec(vectors.shape[1], size))
    index.train(sample)
    trained = time.perf_counter() - began
    index.add(vectors)
    took = time.perf_counter() - began
    faiss.write_index(index, str(folder / "plain.faiss"))
    return {"s": took, "clustering": trained, "peak": _peak_bytes()}


def _plain_update(folder: Path, size: int, new: int) -> Figures:
    """Adds from memory, and writes what is new in one sequential write."""
    index = faiss.read_index(str(folder / "plain.faiss"))
    rows = _features(folder, size, new)
    vectors = rows.astype(np.float32)
    code_bytes = rows.shape[1] // values_per_code(rows.shape[1]) // 2
    filler = rows.tobytes() + bytes((code_bytes + ROW_BYTES) * new)
    began = time.perf_counter()
    index.add(vectors)
    with (folder / "new").open("wb") as file:
        file.write(filler)
        file.flush()
        os.fsync(file.fileno())
    return {"s": time.perf_counter() - began, "bytes": len(filler)}


def _spec(width: int, size: int) -> str:
    return f"IVF{lists_for(size)},PQ{width // values_per_code(width)}x4fs"


# -- searching


def _truth(folder: Path, size: int) -> None:
    """Keeps the true neighbours of some images, themselves left out, in the folder."""
    queries = np.random.default_rng(2).choice(size, min(QUERIES, size), replace=False)
    wanted = np.concatenate([_wide(folder, int(query), 1) for query in queries])
    nearest = np.empty((len(queries), 0), np.float32)
    for start in range(0, size, 65_536):
        block = _wide(folder, start, min(65_536, size - start))
        dist, found = faiss.knn(wanted, block, NEIGHBOURS + 1)
        dist[found + start == queries[:, None]] = np.inf
        nearest = np.sort(np.concatenate([nearest, dist], axis=1), axis=1)[:, :NEIGHBOURS]
    np.savez(folder / "truth.npz", queries=queries, vectors=wanted, dist=nearest)


def _searches(folder: Path, nprobs: tuple[int, ...]) -> Figures:
    """Measures recall@10 and milliseconds at each NPROB, one search after the other."""
    generation = GenerationStore(folder / "index").current()
    truth = np.load(folder / "truth.npz")
    figures: Figures = {}
    for nprob in nprobs:
        wanted, found, took = SearchRequest(NEIGHBOURS, nprob, np.inf), [], []
        for query, vector in zip(truth["queries"], truth["vectors"], strict=True):
            began = time.perf_counter()
            _, dist = rank(generation, vector, wanted, own_seq=int(query) + 1)
            took.append(time.perf_counter() - began)
            found.append(dist)
        params = generation.search_params(nprob, NEIGHBOURS + 1)
        recall = _recall(found, truth["dist"])
        figures[str(nprob)] = {"recall": recall, "ms": 1000 * median(took), **vars(params)}
    return figures


def _recall(found: list[NDArray[np.float32]], true: NDArray[np.float32]) -> float:
    """Returns the share of neighbours no farther than the tenth true one; ties are as good."""
    limits = true[:, -1] + 1e-4
    pairs = zip(found, limits, strict=True)
    return float(np.mean([np.count_nonzero(dist <= limit) for dist, limit in pairs])) / NEIGHBOURS


def _first_answer(folder: Path) -> float:
    """Returns the milliseconds from nothing opened to an answer."""
    vector = np.load(folder / "truth.npz")["vectors"][0]
    began = time.perf_counter()
    rank(GenerationStore(folder / "index").current(), vector, SearchRequest(NEIGHBOURS, 5, np.inf))
    return 1000 * (time.perf_counter() - began)


def _side_by_side(folder: Path, searching_s: float) -> dict[int, float]:
    """Measures searches a second at NPROB 5, by one process and by one for each core."""
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    rates: dict[int, float] = {}
    for processes in sorted({1, os.cpu_count() or 1}):
        with ProcessPoolExecutor(processes, mp_context=context) as pool:
            start = time.time() + IMPORTS_S
            counts = [
                pool.submit(_count, folder, start, start + searching_s) for _ in range(processes)
            ]
            rates[processes] = sum(count.result() for count in counts) / searching_s
    return rates


def _count(folder: Path, start: float, until: float) -> int:
    generation = GenerationStore(folder / "index").current()
    vectors = np.load(folder / "truth.npz")["vectors"]
    wanted, done = SearchRequest(NEIGHBOURS, 5, np.inf), 0
    time.sleep(max(0.0, start - time.time()))
    while time.time() < until:
        rank(generation, vectors[done % len(vectors)], wanted)
        done += 1
    return done


def _exact(folder: Path, size: int) -> float:
    """Measures milliseconds of an exact search, everything in memory."""
    index = faiss.IndexFlatL2(int((folder / "width").read_text()))
    for start in range(0, size, 65_536):
        index.add(_wide(folder, start, min(65_536, size - start)))
    took = []
    for vector in np.load(folder / "truth.npz")["vectors"][:EXACT_QUERIES]:
        began = time.perf_counter()
        index.search(vector[None], NEIGHBOURS)
        took.append(time.perf_counter() - began)
    return 1000 * median(took)


def _hnsw(folder: Path, size: int) -> Figures:
    """Measures FAISS' HNSW32 over full features: build time, memory, recall and milliseconds."""
    vectors = _wide(folder, 0, size)
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32)
    began = time.perf_counter()
    index.add(vectors)
    made = time.perf_counter() - began
    faiss.omp_set_num_threads(1)
    truth = np.load(folder / "truth.npz")
    figures: Figures = {"s": made, "peak": _peak_bytes(), "ef": {}}
    for ef in EF_SEARCH:
        parameters = faiss.SearchParametersHNSW(efSearch=ef)  # type: ignore[attr-defined]
        found, took = [], []
        for query, vector in zip(truth["queries"], truth["vectors"], strict=True):
            began = time.perf_counter()
            dist, labels = index.search(vector[None], NEIGHBOURS + 1, params=parameters)
            took.append(time.perf_counter() - began)
            found.append(dist[0][labels[0] != query][:NEIGHBOURS])
        recall = _recall(found, truth["dist"])
        figures["ef"][ef] = {"recall": recall, "ms": 1000 * median(took)}
    return figures


def _peak_bytes() -> int:
    """Returns the peak of this process alone; getrusage's begins with its parent's."""
    [line] = [s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s]
    return int(line.split()[1]) * 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.index",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--features", type=Path, metavar="FILE", help="an .npy, or a folder of photos"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="IMAGES")
    parser.add_argument(
        "--chart", type=Path, metavar="FILE.svg", help="recall against milliseconds"
    )
    parser.add_argument(
        "--no-hnsw", action="store_true", help="leave out HNSW32, which takes longest"
    )
    parser.add_argument("--folder", type=Path, help="where to put the temporary folders")
    parser.add_argument("--searching-s", type=float, default=SEARCHING_S, metavar="SECONDS")
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
