"""How much a number of images takes, reckoned from what was measured."""

import math
from collections.abc import Callable
from statistics import median

from docs.tables.figures import figure, row_of
from sidecar.index.ann import lists_for, sample_size, values_per_code
from sidecar.tasks.disk_space import ROW_BYTES, SPARE

SIZES = (10**5, 10**6, 10**7, 10**8)
MILLION = 10**6
LITE0 = 512  # numbers of an image's features
FEATURES_BYTES = 2 * LITE0  # float16
SEQ_AND_CRC_BYTES, LABEL_BYTES, FLOAT_BYTES = 12, 8, 4
KEYWORDS_BYTES = 3 * (8 + 2)  # of an image's keywords on average
GENERATIONS = 3  # the two that are kept, and one in the making
FREE = 0.9  # of the volume; with less room left than that, VolumeNearlyFull fires
# Measured for the page alone; tests/docs/test_operations.py measures them again.
ROW_OVERHEAD_BYTES = 3_400
LARGE_PHOTO_BYTES = 83_000


def by_size(row: str) -> dict[int, float]:
    """Looks up a row of the benchmark of the index, by the number of images."""
    return dict(zip((10**4, 10**5, 10**6), row_of("index", row), strict=True))


INDEX_BYTES = by_size("bytes_per_image")
PEAK_MB = by_size("training_peak_mb")
UPDATE_PEAK_MB = by_size("update_peak_mb")
TRAINING_S = by_size("training_s")
UPDATE_S = by_size("update_1_s")
OPENING_MS = by_size("opening_ms")
SEARCH_MS = dict(zip((10**4, 10**5, 10**6), row_of("nprob", "5")[1:6:2], strict=True))
CLUSTERING_S = figure("index", "clustering_s", 3)
TRUTH_S = figure("index", "truth_s", 3)
READ_ROWS_PER_S = figure("catalogue", "read_rows_per_s")
INFERRED_PER_S = figure("http", "inference_per_s")
ADDS_PER_S = figure("http", "adds_per_s")
SEARCHES_PER_S = figure("http", "searches32_per_s")
EMBEDDED_PER_S = median(figure("upgrade", each, 2) for each in "123")
SIDECAR_MB = figure("http", "sidecar_after_mb")
TRITON_MB = figure("http", "triton_after_mb")
SMALL_PHOTO_BYTES = figure("photos", "kept_kb", 2) * 1000


def held_bytes(size: int) -> float:
    """What the files of a generation hold of an image, in bytes."""
    codes = LITE0 / values_per_code(LITE0) / 2 + LABEL_BYTES
    centres = 2 * FLOAT_BYTES * LITE0 * lists_for(size) / size  # in two files
    return FEATURES_BYTES + SEQ_AND_CRC_BYTES + codes + centres + KEYWORDS_BYTES


def catalogue_bytes(size: int, photo_bytes: float) -> float:
    """The database, with the JPEG and one model's features of each image."""
    return size * (photo_bytes + FEATURES_BYTES + ROW_OVERHEAD_BYTES)


def index_bytes(size: int) -> float:
    """A generation: as measured, and beyond that what its files hold."""
    return size * INDEX_BYTES.get(size, held_bytes(size))


def upgrade_bytes(size: int) -> float:
    """What `disk_space.check_room` asks for: features in the catalogue, and an index."""
    return SPARE * 2 * size * (FEATURES_BYTES + ROW_BYTES)


def volume_bytes(size: int, photo_bytes: float) -> float:
    """The catalogue, the generations, room for an upgrade, and what stays free."""
    index = GENERATIONS * index_bytes(size)
    return (catalogue_bytes(size, photo_bytes) + index + upgrade_bytes(size)) / FREE


def update_peak_bytes_per_image() -> float:
    """How much the peak of an update grows with each image, between the two largest sizes."""
    grown_mb = UPDATE_PEAK_MB[MILLION] - UPDATE_PEAK_MB[10**5]
    return grown_mb * 1e6 / (MILLION - 10**5)


def worker_bytes(size: int) -> float:
    """The peak of a training; beyond a million that of an update, which grows with each image."""
    if size in PEAK_MB:
        return PEAK_MB[size] * 1e6
    return UPDATE_PEAK_MB[MILLION] * 1e6 + update_peak_bytes_per_image() * (size - MILLION)


def memory_bytes(size: int) -> float:
    """Worker, sidecar and Triton, and a generation in the page cache."""
    return index_bytes(size) + worker_bytes(size) + (SIDECAR_MB + TRITON_MB) * 1e6


def assigning(size: int) -> float:
    """How much there is to compare when each image finds its list, in a million's."""
    return size * lists_for(size) / (MILLION * lists_for(MILLION))


def reckoned_training_s(size: int) -> float:
    """A training, from that of a million images.

    K-means compares its sample with each centre, then each image is compared with each centre and
    with the sample queries.
    """
    sample = sample_size(size) * lists_for(size) / (sample_size(MILLION) * lists_for(MILLION))
    reading_s = MILLION / READ_ROWS_PER_S
    rest_s = TRAINING_S[MILLION] - CLUSTERING_S - TRUTH_S - reading_s
    straight = (TRUTH_S + reading_s) * size / MILLION
    return CLUSTERING_S * sample + straight + rest_s * assigning(size)


def reckoned_update_s(size: int) -> float:
    """An update by a hundredth: that part of a training's assigning; all else in proportion."""
    reading_s = MILLION / READ_ROWS_PER_S
    assigned_s = (TRAINING_S[MILLION] - CLUSTERING_S - TRUTH_S - reading_s) / 100
    return (UPDATE_S[MILLION] - assigned_s) * size / MILLION + assigned_s * assigning(size)


def training_s(size: int) -> float:
    """A training, measured or reckoned."""
    return TRAINING_S.get(size) or reckoned_training_s(size)


def update_s(size: int) -> float:
    """An update by a hundredth, measured or reckoned."""
    return UPDATE_S.get(size) or reckoned_update_s(size)


def search_s(size: int) -> float:
    """A search in the index: lists, and what is in each, grow as the root of the images."""
    return SEARCH_MS.get(size, SEARCH_MS[MILLION] * math.sqrt(size / MILLION)) / 1000


def opening_s(size: int) -> float:
    """Opening a new generation."""
    return OPENING_MS.get(size, OPENING_MS[MILLION] * size / MILLION) / 1000


def counting_s(size: int, column: int) -> float:
    """Counting all images, with SQLite (1) or PostgreSQL (2)."""
    return figure("catalogue", "count_ms", column) / 1000 * size / MILLION


def data(size_bytes: float) -> str:
    """Writes bytes in two digits."""
    for unit, one in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= one:
            return f"{two_digits(size_bytes / one)} {unit}"
    raise AssertionError(size_bytes)


def time(seconds: float) -> str:
    """Writes a time in two digits."""
    for unit, one, fewest in (("d", 86_400, 2), ("h", 3600, 2), ("min", 60, 2), ("s", 1, 1)):
        if seconds >= fewest * one:
            return f"{two_digits(seconds / one)} {unit}"
    return f"{two_digits(1000 * seconds)} ms"


def two_digits(number: float) -> str:
    """Rounds to two digits: 0.68, 5.7, 34, 620."""
    rounded = float(f"{number:.1e}")
    return f"{rounded:g}" if rounded < 10 else f"{rounded:.0f}"


# A row of the page: how it is written, the sizes at which it was measured, how it is reckoned.
Row = tuple[Callable[[float], str], set[int], Callable[[int], float]]
BENCHED, NEVER = {10**5, MILLION}, set[int]()
ROWS: dict[str, Row] = {
    "catalogue, photos of 19 KB": (data, NEVER, lambda n: catalogue_bytes(n, SMALL_PHOTO_BYTES)),
    "catalogue, photos of 83 KB": (data, NEVER, lambda n: catalogue_bytes(n, LARGE_PHOTO_BYTES)),
    "a generation of the index": (data, BENCHED, index_bytes),
    "what an upgrade asks for": (data, NEVER, upgrade_bytes),
    "the volume, photos of 19 KB": (data, NEVER, lambda n: volume_bytes(n, SMALL_PHOTO_BYTES)),
    "the volume, photos of 83 KB": (data, NEVER, lambda n: volume_bytes(n, LARGE_PHOTO_BYTES)),
    "memory of the worker": (data, BENCHED, worker_bytes),
    "memory in all": (data, NEVER, memory_bytes),
    "the search in the index, `NPROB` 5": (time, BENCHED, search_s),
    "adding all": (time, NEVER, lambda n: n / ADDS_PER_S),
    "a training": (time, BENCHED, training_s),
    "an update by 1 %": (time, BENCHED, update_s),
    "an upgrade to lite2": (time, NEVER, lambda n: n / EMBEDDED_PER_S),
    "opening a new generation": (time, BENCHED, opening_s),
    "counting, SQLite": (time, {MILLION}, lambda n: counting_s(n, 1)),
    "counting, PostgreSQL": (time, {MILLION}, lambda n: counting_s(n, 2)),
}


def rows() -> list[list[str]]:
    """Writes the rows of the page's table; `~` marks what is reckoned."""
    return [
        [name, *(("" if size in known else "~") + write(reckon(size)) for size in SIZES)]
        for name, (write, known, reckon) in ROWS.items()
    ]
