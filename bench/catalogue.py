"""Measures the catalogue at a million images: adds, reading all features, disk, look-ups.

    python -m bench.catalogue
    python -m bench.catalogue --rows 20000 --small 2000 --adds 500 --only sqlite

A small and a large catalogue are filled with random images and then measured in turns, in SQLite
and in a PostgreSQL of their own, which is skipped where it is not installed. A million rows
take some six minutes in SQLite and ten in PostgreSQL, and 9 GB in each.
"""

import argparse
import itertools
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from statistics import median

import numpy as np
from sqlalchemy import create_engine, text

from bench.filling import fill
from bench.timing import median_ms
from local.ports import LaunchRefused
from local.postgres import postgres
from sidecar.catalogue import Catalogue, ModelRecord, NewImage, open_catalogue
from sidecar.catalogue.dialects.sqlite import SQLite

LEASE_S = 30
DIMENSION = 1280
BATCH = 256  # images a commit while filling
REPORT_EVERY = 100 * BATCH  # rows
ROUNDS = 5
WRITERS = (1, 50)
LOOK_UPS = 50
COUNTS = 10  # they can take long
PAGE = 1000
ADDS_PER_S = 300  # beside the stream: enough to grow the log well past a checkpoint
KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

Figures = dict[str, float]  # by their names in the tables


@dataclass(frozen=True)
class Source:
    """Makes images that no database can compress."""

    random: np.random.Generator
    jpeg_bytes: int

    def draw(self, model: ModelRecord, count: int) -> list[NewImage]:
        features = self.random.standard_normal((count, DIMENSION), np.float32)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        ids = self.random.integers(1 << 63, size=count).astype(str).tolist()
        return [
            NewImage(one, sha256(one.encode()).hexdigest(), jpeg, {model: row})
            for one, jpeg, row in zip(ids, self._jpegs(count), features, strict=True)
        ]

    def _jpegs(self, count: int) -> list[bytes]:
        return [self.random.bytes(self.jpeg_bytes) for _ in range(count)]


@dataclass(frozen=True)
class Pair:
    """Holds the same catalogue at two sizes, both open, so that noise meets both alike."""

    small: Catalogue
    large: Catalogue
    source: Source


def main() -> int:
    """Prints a line for each figure, with a column for each kind of database."""
    arguments = _parser().parse_args()
    measured: dict[str, Figures] = {}
    for kind in [arguments.only] if arguments.only else list(KINDS):
        try:
            with _urls(kind, arguments.folder) as (small, large):
                measured[KINDS[kind]] = _measure(small, large, arguments)
        except LaunchRefused as refused:
            print(f"{KINDS[kind]} is skipped: {refused}")
    _print(measured, arguments)
    return 0


@contextmanager
def _urls(kind: str, folder: Path | None) -> Iterator[tuple[str, str]]:
    """Yields the URLs of an empty small and large catalogue; both are gone afterwards."""
    if kind == "postgresql":
        # A server for each: a checkpoint of one must not slow the other down.
        with postgres() as small, postgres() as large:
            yield small, large
    else:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            yield f"sqlite:///{own}/small.sqlite", f"sqlite:///{own}/large.sqlite"


def _measure(small: str, large: str, arguments: argparse.Namespace) -> Figures:
    source = Source(np.random.default_rng(0), arguments.jpeg_bytes)
    pair = Pair(open_catalogue(small, LEASE_S), open_catalogue(large, LEASE_S), source)
    try:
        _fill(pair.small, source, arguments.small)
        filled = _fill(pair.large, source, arguments.rows)
        used = pair.large.bytes_used() / arguments.rows
        for url in (small, large):
            _settle(url)
        return {
            "filling, rows/s": filled,
            "disk, bytes a row": used,
            "of which JPEG and features": arguments.jpeg_bytes + 2 * DIMENSION,
            **_adds(pair, arguments.adds // ROUNDS),
            **_stream(pair.large),
            **_log(pair.large, source),
            **_look_ups(pair.large, source),
        }
    finally:
        pair.small.close()
        pair.large.close()


def _fill(catalogue: Catalogue, source: Source, rows: int) -> float:
    """Fills a catalogue past the queue of adds, which would take an hour; returns rows/s."""
    model, began = _model(catalogue), time.perf_counter()
    for stored in range(0, rows, BATCH):
        if stored % REPORT_EVERY == 0:
            print(f"{catalogue.database.url}: {stored:,} of {rows:,} rows", file=sys.stderr)
        batch = source.draw(model, min(BATCH, rows - stored))
        fill(catalogue, batch)
    return rows / (time.perf_counter() - began)


def _settle(url: str) -> None:
    """Makes a server do now what it would do in the background a minute later."""
    if not url.startswith("postgresql"):
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


def _adds(pair: Pair, count: int) -> Figures:
    """Measures adds a second at both sizes, in short rounds by turns, and how their cost grows."""
    figures: Figures = {}
    for writers in WRITERS:
        small: list[float] = []
        large: list[float] = []
        for number in range(ROUNDS):
            turns = [(pair.small, small), (pair.large, large)]
            for catalogue, rates in turns if number % 2 else turns[::-1]:
                images = pair.source.draw(_model(catalogue), count)
                rates.append(_adds_per_s(catalogue, images, writers))
        by = f"{writers} writer{'s' if writers > 1 else ''}"
        figures[f"adds/s, {by}, small"] = median(small)
        figures[f"adds/s, {by}, large"] = median(large)
        figures[f"cost of an add, {by}, large : small"] = median(small) / median(large)
    return figures


def _adds_per_s(catalogue: Catalogue, images: list[NewImage], writers: int) -> float:
    start = threading.Barrier(writers + 1)

    def write(part: list[NewImage]) -> None:
        start.wait()
        for image in part:
            catalogue.adds.add(image)

    with ThreadPoolExecutor(writers) as pool:
        running = [pool.submit(write, images[n::writers]) for n in range(writers)]
        start.wait()
        began = time.perf_counter()
        for one in running:
            one.result()
        return len(images) / (time.perf_counter() - began)


def _stream(catalogue: Catalogue) -> Figures:
    """Reads all features as a training does, with nothing else going on."""
    # Filling took more memory than reading may, and the system keeps only the highest peak.
    Path("/proc/self/clear_refs").write_text("5")
    before, began = _peak_bytes(), time.perf_counter()
    rows, size = _walk(catalogue)
    took = time.perf_counter() - began
    return {
        "all features, rows/s": rows / took,
        "all features, MB/s": size / 1e6 / took,
        "all features, memory beyond, MB": (_peak_bytes() - before) / 1e6,
    }


def _log(catalogue: Catalogue, source: Source) -> Figures:
    """Measures SQLite's log after a stream beside adds: no larger than without the stream."""
    kind = catalogue.database.dialect
    if not isinstance(kind, SQLite):
        return {}
    log = kind.path.with_name(f"{kind.path.name}-wal")
    catalogue.release_space()  # empties it
    images = source.draw(_model(catalogue), LOOK_UPS)
    for image in images:
        catalogue.adds.add(image)
    an_add = log.stat().st_size / len(images)
    added = len(images) + _walk_beside_adds(catalogue, source)
    return {
        "log: adds, nearly all beside all features": added,
        "log: written by them, MB": added * an_add / 1e6,
        "log: its size after them, MB": log.stat().st_size / 1e6,
    }


def _walk_beside_adds(catalogue: Catalogue, source: Source) -> int:
    """Reads all features while images are added; returns how many were added."""
    model, walked = _model(catalogue), threading.Event()

    def keep_adding() -> int:
        for count in itertools.count():
            if walked.wait(1 / ADDS_PER_S):
                return count
            catalogue.adds.add(source.draw(model, 1)[0])
        raise AssertionError

    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(keep_adding)
        try:
            _walk(catalogue)
        finally:
            walked.set()
        return adding.result()


def _walk(catalogue: Catalogue) -> tuple[int, int]:
    """Reads all features; returns their rows and their bytes of float16."""
    rows = size = 0
    for page in catalogue.features.stream(_model(catalogue).model, 0, 10**12):
        rows += len(page.seqs)
        size += page.features.nbytes
    return rows, size


def _look_ups(catalogue: Catalogue, source: Source) -> Figures:
    """Measures look-ups of random images: medians in milliseconds."""
    entries, model = catalogue.images, _model(catalogue).model
    last, _ = entries.last_added() or (0, 0.0)
    seqs = source.random.choice(last, LOOK_UPS, replace=False).tolist()
    ids = [entries.page(seq, 1)[0][1] for seq in seqs]
    return {
        "count(), ms": _ms(COUNTS, entries.count),
        "count(after the last 1,000), ms": _ms(COUNTS, lambda: entries.count(last - PAGE)),
        "bytes_used(), ms": _ms(COUNTS, catalogue.bytes_used),
        "page() of 1,000 in the middle, ms": _ms(COUNTS, lambda: entries.page(last // 2, PAGE)),
        "get(), ms": median_ms(entries.get, ids),
        "features(), ms": median_ms(lambda one: entries.features(one, model), ids),
        "remove(), ms": median_ms(catalogue.removals.remove, ids),
    }


def _ms(times: int, call: Callable[[], object]) -> float:
    return median_ms(lambda _: call(), [""] * times)


def _model(catalogue: Catalogue) -> ModelRecord:
    return catalogue.models.adopt(1, "a" * 64, DIMENSION)


def _peak_bytes() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _print(measured: dict[str, Figures], arguments: argparse.Namespace) -> None:
    print(f"machine: {os.cpu_count()} cores; small: {arguments.small:,} rows, ", end="")
    print(f"large: {arguments.rows:,}, JPEGs of {arguments.jpeg_bytes:,} bytes")
    names = list(dict.fromkeys(itertools.chain(*measured.values())))
    width = max(map(len, names), default=0)
    print("".ljust(width), *(kind.rjust(12) for kind in measured))
    for name in names:
        cells = [_cell(figures.get(name)).rjust(12) for figures in measured.values()]
        print(name.ljust(width), *cells)


def _cell(figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.catalogue",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="in the large catalogue")
    parser.add_argument("--small", type=int, default=10_000, help="in the small one")
    parser.add_argument("--jpeg-bytes", type=int, default=4096, help="of each image")
    parser.add_argument("--adds", type=int, default=5000, help="timed, by each number of writers")
    parser.add_argument("--folder", type=Path, help="SQLite's files go into one in here")
    parser.add_argument("--only", choices=KINDS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
