"""Compares searches with a filter to those without one, and to Qdrant Edge, on the same features.

    python -m bench.filters --features FOLDER_OF_PHOTOS
    python -m bench.filters --features features.npy --sizes 10000 100000 --peer-most 0

Each image has five fields; one holds numbers of which a filter takes the lowest part. A search is
all that one costs behind HTTP: the filter over the fields, candidates, exact distances, ids. By
turns in one run, one thread. Qdrant Edge has the same vectors in float32, an HNSW graph of its
defaults and an index of the number's field, all in memory. A million images take half an hour and
20 GB of disk; the graph of a million twice as long.
"""

import argparse
import itertools
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray

from bench.features import mixed, real
from bench.filling import fill
from bench.index import apart
from bench.timing import median_ms
from docs.tables.markdown import table
from sidecar.catalogue import ModelRecord, NewImage, TaskKind, open_catalogue
from sidecar.fields import parse_filter
from sidecar.index import BuildRules, GenerationStore, LiveFields, SearchRequest, Tombstones
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.search.finder import Finder
from sidecar.search.identification import Identification
from sidecar.search.view import Views
from sidecar.tasks.training import Trainer

SIZES = (10_000, 100_000, 1_000_000)
SHARES = (1.0, 0.5, 0.1, 0.01, 0.001, 0.0001)
NPROBS = (5, 20)
QUERIES = 100
FIRSTS = 15  # searches with a filter that nobody has searched with
NEIGHBOURS = 10
AT_ONCE = 16_384
LEASE_S = 3600
PEER_MOST = 100_000  # images, unless more are asked for
HEAD = (
    "of the images meet the filter",
    "ms",
    "times the unfiltered",
    "recall@10",
    "first, ms",
)
NOBODY = TritonClient("127.0.0.1:1", 1)  # nothing is embedded here


class Figures(NamedTuple):
    """Median milliseconds and mean recall@10 of searches; `first_ms` with a filter that is new."""

    ms: float
    recall: float | None = None
    first_ms: float | None = None


Measured = dict[float | None, Figures]  # by share; None is no filter


def main() -> int:
    """Prints a table for each size."""
    arguments = _parser().parse_args()
    base = real(arguments.features, arguments.repository)
    print(f"{len(base)} features of real photos, {base.shape[1]} values each; then mixtures.")
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            _measure(Path(folder), base, size, size <= arguments.peer_most)
    return 0


def _measure(folder: Path, base: NDArray[np.float32], size: int, with_peer: bool) -> None:
    np.save(folder / "base.npy", base)
    apart(_build, folder, size)
    apart(_truth, folder, size)
    tables = {
        f"NPROB {nprob}": apart(_searches, folder, size, nprob, threads=1) for nprob in NPROBS
    }
    if with_peer:
        tables["Qdrant Edge"] = apart(_peer, folder, size, threads=1)
    for name, measured in tables.items():
        print(f"\n## {size:,} images, {name}\n")
        whole = measured[None].ms
        rows = [_row(share, figures, whole) for share, figures in measured.items()]
        print(table(HEAD, rows), flush=True)


def _row(share: float | None, figures: Figures, whole: float) -> list[str]:
    """Returns the cells of a share, beside the milliseconds without a filter."""
    return [
        "no filter" if share is None else f"{100 * share:g} %",
        f"{figures.ms:.2f}",
        f"{figures.ms / whole:.2f}",
        "" if figures.recall is None else f"{figures.recall:.3f}",
        "" if figures.first_ms is None else f"{figures.first_ms:.1f}",
    ]


# -- what there is


def _rows(folder: Path, size: int) -> Iterator[NDArray[np.float32]]:
    """Yields the features of each image, float32 [D], the same each time."""
    base = np.load(folder / "base.npy")
    more = itertools.chain.from_iterable(mixed(base, size - len(base), seed=1))
    return itertools.islice(itertools.chain(base, more), size)


def _places(size: int) -> NDArray[np.int64]:
    """The number in the field of each image, int64 [size]: each from 0 on, once, in no order."""
    return np.random.default_rng(3).permutation(size)


def _documents(size: int) -> Iterator[dict[str, Any]]:
    draw = np.random.default_rng(4)
    for number, place in enumerate(_places(size).tolist()):
        category, price, one, other = draw.integers(0, (20, 100_000, 200, 200)).tolist()
        yield {
            "place": place,
            "category": f"c{category}",
            "price": price / 100,
            "sku": f"s{number}",
            "tags": [f"t{one}", f"t{other}"],
        }


def _build(folder: Path, size: int) -> None:
    """Fills a catalogue, and trains."""
    catalogue = open_catalogue(f"sqlite:///{folder}/catalogue.sqlite", LEASE_S)
    width = int(np.load(folder / "base.npy").shape[1])
    model = catalogue.models.adopt(1, "0" * 64, width)
    pairs = enumerate(zip(_rows(folder, size), _documents(size), strict=True))
    fill(catalogue, (_image(number, model, *pair) for number, pair in pairs))
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.TRAIN).task_id)
    assert task is not None
    generations = GenerationStore(folder / "index")
    trainer = Trainer(catalogue, generations, BuildRules(0, "auto"), keep_generations=2)
    trainer.run(task, lambda phase, progress: None)
    catalogue.close()


def _image(
    number: int, model: ModelRecord, row: NDArray[np.float32], document: dict[str, Any]
) -> NewImage:
    text = json.dumps(document, separators=(",", ":"))
    return NewImage(f"{number}", "0" * 64, b"\xff", {model: row}, document=text)


def _truth(folder: Path, size: int) -> None:
    """Keeps queries, and how far their tenth neighbours are among the images of each share."""
    places, rows = _places(size), _rows(folder, size)
    queries = np.random.default_rng(2).choice(size, min(QUERIES, size), replace=False)
    chosen = set(queries.tolist())
    kept = {n: row.copy() for n, row in enumerate(_rows(folder, size)) if n in chosen}
    vectors = np.stack([kept[query] for query in queries.tolist()])
    nearest = {share: np.full((len(queries), NEIGHBOURS), np.inf, np.float32) for share in SHARES}
    for start in range(0, size, AT_ONCE):
        block = np.stack([*itertools.islice(rows, AT_ONCE)])
        numbers = np.arange(start, start + len(block))
        for share, best in nearest.items():
            meets = np.flatnonzero(places[numbers] < share * size)
            if len(meets):
                dist = faiss.pairwise_distances(vectors, block[meets])
                dist[queries[:, None] == numbers[meets][None]] = np.inf
                both = np.sort(np.concatenate([best, dist], axis=1), axis=1)
                nearest[share] = both[:, :NEIGHBOURS]
    found: dict[str, Any] = {f"{share}": each for share, each in nearest.items()}
    np.savez(folder / "truth.npz", queries=queries, vectors=vectors, **found)


# -- searching


def _by_turns(folder: Path, search: Callable[[int, float | None], list[float]]) -> Measured:
    """Measures a search for each query and share, one after the other.

    Args:
        search: returns the distances of the neighbours of a query, by its place.
    """
    truth = np.load(folder / "truth.npz")
    took: dict[float | None, list[float]] = {share: [] for share in (None, *SHARES)}
    shares: dict[float, list[float]] = {share: [] for share in SHARES}
    for share in took:
        search(0, share)  # which opens files, and reads fields
    for place in range(len(truth["queries"])):
        for share, times in took.items():
            search(place, share)  # what it reads is in memory from here on, for all alike
            began = time.perf_counter()
            dist = search(place, share)
            times.append(1000 * (time.perf_counter() - began))
            if share is not None:
                true = truth[f"{share}"][place]
                true = true[np.isfinite(true)]
                close = sum(each <= true[-1] + 1e-3 for each in dist)
                shares[share].append(min(1.0, close / len(true)))
    measured: Measured = {None: Figures(median(took[None]))}
    return measured | {share: Figures(median(took[share]), mean(shares[share])) for share in SHARES}


def _searches(folder: Path, size: int, nprob: int) -> Measured:
    """Measures our own searches."""
    catalogue = open_catalogue(f"sqlite:///{folder}/catalogue.sqlite", LEASE_S)
    models = ModelRegistry(Path(), catalogue.models, NOBODY)
    views = Views(GenerationStore(folder / "index"), models, None)
    identification = Identification(catalogue.images, views, Tombstones(catalogue.removals))
    finder = Finder(identification, LiveFields(catalogue.metadata), models)
    truth = np.load(folder / "truth.npz")
    queries, vectors = truth["queries"], truth["vectors"]

    def search(place: int, share: float | None, less: float = 0.0) -> list[float]:
        text = None if share is None else json.dumps({"place": {"$lt": share * size - less}})
        wanted = None if text is None else parse_filter(text)
        request = SearchRequest(NEIGHBOURS, nprob, math.inf, wanted)
        itself = int(queries[place]) + 1
        return finder.around(views.current(), vectors[place], request, itself).dist

    measured = _by_turns(folder, search)
    for share in SHARES:

        def first(less: int, share: float = share) -> list[float]:
            return search(less % len(queries), share, less / FIRSTS / 2)  # a filter of its own

        first_ms = median_ms(first, range(1, FIRSTS + 1))
        measured[share] = measured[share]._replace(first_ms=first_ms)
    return measured


def _peer(folder: Path, size: int) -> Measured:
    """Measures Qdrant Edge, with its defaults."""
    import qdrant_edge as edge

    width = int(np.load(folder / "base.npy").shape[1])
    features = edge.EdgeVectorParams(size=width, distance=edge.Distance.Euclid)
    config = edge.EdgeConfig(vectors=features, max_search_threads=1, wal_enabled=False)
    shard = edge.EdgeShard.create(str(folder / "edge"), config)
    began = time.perf_counter()
    points = zip(itertools.count(), _rows(folder, size), _documents(size), strict=False)
    while some := [
        edge.Point(number, row.tolist(), document)
        for number, row, document in itertools.islice(points, AT_ONCE)
    ]:
        shard.update(edge.UpdateOperation.upsert_points(some))
    by_place = edge.UpdateOperation.create_field_index("place", edge.FloatIndexParams())
    shard.update(by_place)
    while shard.optimize():
        pass
    print(f"Qdrant Edge: made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    truth = np.load(folder / "truth.npz")
    queries, vectors = truth["queries"].tolist(), truth["vectors"].tolist()

    def search(place: int, share: float | None) -> list[float]:
        within = None
        if share is not None:
            below = edge.RangeFloat(lt=share * size)
            within = edge.Filter(must=[edge.FieldCondition("place", range=below)])
        query = edge.Query.Nearest(vectors[place])
        request = edge.SearchRequest(query, NEIGHBOURS + 1, filter=within)
        found = shard.search(request)
        others = [each.score**2 for each in found if each.id != queries[place]]
        return others[:NEIGHBOURS]

    return _by_turns(folder, search)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.filters",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--features", type=Path, metavar="FILE", help="an .npy, or a folder of photos"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="IMAGES")
    parser.add_argument("--peer-most", type=int, default=PEER_MOST, metavar="IMAGES")
    parser.add_argument("--folder", type=Path, help="where to put the temporary folders")
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
