"""What an index takes on hosts of its own or in Milvus, reckoned from what was measured.

    bench.engines ──► benchmarks.json, engines ──► the largest sizes that were measured ──► 10^9

Both are reckoned for the same hosts. The local engine has all of the index on each host; Milvus has
a part of it on each, and all of it once more where more searches are asked for than that answers.
"""

import math
from dataclasses import dataclass

from docs.tables.figures import TABLES
from docs.tables.sizing import (
    FLOAT_BYTES,
    FREE,
    GENERATIONS,
    LITE0,
    SIDECAR_MB,
    TRITON_MB,
    data,
    held_bytes,
    two_digits,
)

SIZES = (10**7, 10**8, 10**9)
RATES = (100, 1_000, 10_000)  # searches a second
HOST_CORES, HOST_BYTES = 32, 256e9
BUSY = 0.7  # of a host's cores, at most
LOADED = 0.8  # of a host's memory, at most
SEGMENT_BYTES = 512e6  # of Milvus' segments, each of which a search looks through: its default
LARGE_SEGMENT_BYTES = 8e9  # what one would set for so many images


@dataclass(frozen=True)
class Measured:
    """The figures of an engine at a size, by the names of the rows."""

    size: int
    figures: dict[str, float]


@dataclass(frozen=True)
class Need:
    """What an engine needs in all.

    Args:
        memory, disk: bytes: of each host with the local engine, of one copy in Milvus.
        cores: that searches keep busy.
        hosts: how many do; None where no host has the memory.
        by_memory: whether memory decides about that, rather than processors.
    """

    memory: float
    disk: float
    cores: float
    hosts: int | None
    by_memory: bool


def measured(engine: str) -> list[Measured]:
    """Looks up the columns of an engine that are filled, ascending by size."""
    table = TABLES["engines"]
    found = []
    for place, head in enumerate(table["columns"]):
        name, _, size = head.partition(", ")
        figures = {row: cells[place] for row, cells in table["rows"].items()}
        if name == engine and figures["training_s"] is not None:
            numbers = {row: float(cell) for row, cell in figures.items() if cell is not None}
            found.append(Measured(int(size.replace(",", "")), numbers))
    return sorted(found, key=lambda one: one.size)


LOCAL, MILVUS = measured("local")[-1], measured("milvus")[-1]


def growing_by(row: str) -> float:
    """How many bytes Milvus takes for each image more, between the two largest sizes: what it takes
    for any number says nothing of many."""
    small, large = measured("milvus")[-2:]
    more = large.figures[row] * large.size - small.figures[row] * small.size
    return more / (large.size - small.size)


def local_search_s(size: int) -> float:
    """Processor time of a search: lists, and what is in each, grow as the root of the images."""
    return LOCAL.figures["own_ms"] / 1000 * math.sqrt(size / LOCAL.size)


def segments(size: int, segment_bytes: float) -> float:
    """How many segments Milvus has of so many images; one at least."""
    return max(1.0, size * LITE0 * FLOAT_BYTES / segment_bytes)


def milvus_search_s(size: int, segment_bytes: float) -> float:
    """Processor time of a search: ours stays as it is, Milvus' grows with the segments, since each
    has a graph of its own."""
    grown = segments(size, segment_bytes) / segments(MILVUS.size, SEGMENT_BYTES)
    own_ms, milvus_ms = MILVUS.figures["own_ms"], MILVUS.figures["milvus_ms"]
    return (own_ms + milvus_ms * max(1.0, grown)) / 1000


def local(size: int, rate: int) -> Need:
    """What the local engine needs."""
    index = size * held_bytes(size)
    memory = index + (SIDECAR_MB + TRITON_MB) * 1e6
    cores = rate * local_search_s(size)
    hosts = math.ceil(cores / (HOST_CORES * BUSY)) if memory <= HOST_BYTES * LOADED else None
    return Need(memory, GENERATIONS * index / FREE, cores, hosts, by_memory=hosts is None)


def milvus(size: int, rate: int, segment_bytes: float) -> Need:
    """What Milvus needs, without its own store of objects and its log."""
    memory = size * growing_by("milvus_bytes")
    disk = size * growing_by("milvus_disk_bytes")
    cores = rate * milvus_search_s(size, segment_bytes)
    holding = math.ceil(memory / (HOST_BYTES * LOADED))
    copies = math.ceil(cores / (HOST_CORES * BUSY) / holding)
    return Need(memory, disk, cores, holding * copies, by_memory=copies == 1)


def times_local() -> tuple[float, float]:
    """How many times the processor time and the memory of the local engine Milvus takes for one
    host's images, at the largest size that was measured."""
    spent = (MILVUS.figures["own_ms"] + MILVUS.figures["milvus_ms"]) / LOCAL.figures["own_ms"]
    return spent, growing_by("milvus_bytes") / LOCAL.figures["host_bytes"]


COLUMNS = [
    *("images", "searches a second", "local engine: memory of each host", "disk", "cores busy"),
    *("hosts", "Milvus: memory", "disk, a copy", "cores busy", "hosts", "what decides"),
]


def rows() -> list[list[str]]:
    """Writes the rows of the page's table; all of it is reckoned."""
    return [_row(size, rate) for size in SIZES for rate in RATES]


def _row(size: int, rate: int) -> list[str]:
    here = local(size, rate)
    most, least = (milvus(size, rate, each) for each in (SEGMENT_BYTES, LARGE_SEGMENT_BYTES))
    return [
        f"{size:,}",
        f"{rate:,}",
        data(here.memory),
        data(here.disk),
        _number(here.cores),
        "none is large enough" if here.hosts is None else f"{here.hosts:,}",
        data(least.memory),
        data(least.disk),
        _span(_number(least.cores), _number(most.cores)),
        _span(f"{least.hosts:,}", f"{most.hosts:,}"),
        f"{_decides(here)}; {_decides(least)}",
    ]


def _decides(need: Need) -> str:
    if need.hosts == 1:
        return "one host does"
    return "memory" if need.by_memory else "processors"


def _number(number: float) -> str:
    rounded = float(two_digits(number))
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _span(least: str, most: str) -> str:
    return least if least == most else f"{least} to {most}"
