"""docs/OPERATIONS.md, held against what was measured, against the alerts and against the code."""

import re
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from bench.filling import fill
from export.photos import packaged
from sidecar import answers, errors
from sidecar.catalogue import NewImage, open_catalogue
from sidecar.images import ImageRules, canonical, decode
from sidecar.index.codes import POINTS_PER_LIST, VALUES_PER_CODE, lists_for, sample_size
from sidecar.server import GRACEFUL_TIMEOUT_S
from sidecar.settings import Settings
from sidecar.upgrades import ROW_BYTES, SPARE
from tests.stack import ROOT

PAGE = (ROOT / "docs" / "OPERATIONS.md").read_text()
BENCHMARKS = (ROOT / "docs" / "BENCHMARKS.md").read_text()
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"

SIZES = (10**5, 10**6, 10**7, 10**8)
MILLION = 10**6
LITE0 = 1280  # values of a feature
FEATURES_BYTES = 2 * LITE0  # float16
SEQ_AND_CRC_BYTES, LABEL_BYTES, FLOAT_BYTES = 12, 8, 4
GENERATIONS = 3  # the two that are kept, and one in the making
FREE = 0.9  # of the volume; with less room left than that, VolumeNearlyFull fires
# Measured for the page alone; the tests below measure them again.
ROW_OVERHEAD_BYTES = 3_700
LARGE_PHOTO_BYTES = 67_000
FILLED_BYTES = 40_000_000


# -- what was measured


def measured(row: str, column: int, heading: str = "") -> list[float]:
    """The numbers in a cell of the one row of docs/BENCHMARKS.md that begins so."""
    text = BENCHMARKS.split(f"\n## {heading}\n")[1].split("\n## ")[0] if heading else BENCHMARKS
    [line] = [line for line in text.splitlines() if line.startswith(f"| {row} |")]
    return numbers(line.split("|")[column + 1])


def told(sentence: str) -> float:
    """The number in the place of # in a sentence of docs/BENCHMARKS.md."""
    pattern = re.escape(" ".join(sentence.split())).replace(r"\#", r"([0-9.,]*[0-9])")
    [found] = re.findall(pattern, " ".join(BENCHMARKS.split()))
    return numbers(found)[0]


def numbers(text: str) -> list[float]:
    return [float(one.replace(",", "")) for one in re.findall(r"[0-9][0-9,]*(?:\.[0-9]+)?", text)]


def by_size(row: str, place: int = 0) -> dict[int, float]:
    """The numbers of a row of the tables about the index."""
    columns = {10**4: 1, 10**5: 2, 10**6: 3}
    return {size: measured(row, column)[place] for size, column in columns.items()}


INDEX_BYTES = by_size("bytes an image")
PEAK_MB = by_size("peak memory, training and updating, MB")
UPDATE_PEAK_MB = by_size("peak memory, training and updating, MB", 1)
TRAINING_S = by_size("training, s; plain FAISS; ratio")
UPDATE_S = by_size("updating by 1 %, s")
SEARCH_MS = by_size("5", 1)
OPENING_MS = by_size("opening to first answer, ms")
CLUSTERING_S = told("the clustering itself takes # s")
TRUTH_S = told("(some # s at a million")
READ_ROWS_PER_S = measured("all features, read as a training does", 1)[0]
INFERRED_PER_S = measured("the ceiling, images/s (decoding alone, inference alone)", 1)[2]
ADDS_PER_S = measured("single adds, 50 clients; part of the ceiling", 1)[0]
SEARCHES_PER_S = measured("search, 32 clients, a second; part of the ceiling", 1)[0]
EMBEDDED_PER_S = median(measured(each, 2, "Changing the model")[0] for each in "123")
SIDECAR_MB = measured(
    "memory of the sidecar, two processes, at rest, before and after the 20,000 adds, MB", 1
)[2]
TRITON_MB = measured("memory of Triton, likewise", 1)[2]
SMALL_PHOTO_BYTES = told("97 to 320 pixels, # KB on average") * 1000


# -- what follows from it


def index_row_bytes(size: int) -> float:
    """Measured, and beyond that what the files of a generation hold."""
    if size in INDEX_BYTES:
        return INDEX_BYTES[size]
    codes = LITE0 / VALUES_PER_CODE / 2 + LABEL_BYTES
    centres = 2 * FLOAT_BYTES * LITE0 * lists_for(size) / size  # in two files
    return FEATURES_BYTES + SEQ_AND_CRC_BYTES + codes + centres


def catalogue_bytes(size: int, photo_bytes: float) -> float:
    return size * (photo_bytes + FEATURES_BYTES + ROW_OVERHEAD_BYTES)


def index_bytes(size: int) -> float:
    return size * index_row_bytes(size)


def upgrade_bytes(size: int) -> float:
    """What `upgrades.check_room` asks for: features in the catalogue, and an index."""
    return SPARE * 2 * size * (FEATURES_BYTES + ROW_BYTES)


def volume_bytes(size: int, photo_bytes: float) -> float:
    index = GENERATIONS * index_bytes(size)
    return (catalogue_bytes(size, photo_bytes) + index + upgrade_bytes(size)) / FREE


def worker_bytes(size: int) -> float:
    """The peak of a training; beyond a million that of an update, which grows with each image."""
    if size in PEAK_MB:
        return PEAK_MB[size] * 1e6
    an_image = (UPDATE_PEAK_MB[MILLION] - UPDATE_PEAK_MB[10**5]) / (MILLION - 10**5)
    return (UPDATE_PEAK_MB[MILLION] + an_image * (size - MILLION)) * 1e6


def memory_bytes(size: int) -> float:
    return index_bytes(size) + worker_bytes(size) + (SIDECAR_MB + TRITON_MB) * 1e6


def assigning(size: int) -> float:
    """How much there is to compare when each image finds its list, in a million's."""
    return size * lists_for(size) / (MILLION * lists_for(MILLION))


def reckoned_training_s(size: int) -> float:
    """From a million: k-means compares its sample with each centre, then each image is compared
    with each centre and with the sample queries."""
    sample = sample_size(size) * lists_for(size) / (sample_size(MILLION) * lists_for(MILLION))
    reading_s = MILLION / READ_ROWS_PER_S
    rest_s = TRAINING_S[MILLION] - CLUSTERING_S - TRUTH_S - reading_s
    straight = (TRUTH_S + reading_s) * size / MILLION
    return CLUSTERING_S * sample + straight + rest_s * assigning(size)


def reckoned_update_s(size: int) -> float:
    """A hundredth of a training's assigning; all else in proportion."""
    reading_s = MILLION / READ_ROWS_PER_S
    assigned_s = (TRAINING_S[MILLION] - CLUSTERING_S - TRUTH_S - reading_s) / 100
    return (UPDATE_S[MILLION] - assigned_s) * size / MILLION + assigned_s * assigning(size)


def training_s(size: int) -> float:
    return TRAINING_S[size] if size in TRAINING_S else reckoned_training_s(size)


def update_s(size: int) -> float:
    return UPDATE_S[size] if size in UPDATE_S else reckoned_update_s(size)


def search_s(size: int) -> float:
    """Lists, and what is in each, grow as the root of the number of images."""
    if size in SEARCH_MS:
        return SEARCH_MS[size] / 1000
    return SEARCH_MS[MILLION] * float(np.sqrt(size / MILLION)) / 1000


def opening_s(size: int) -> float:
    known = size in OPENING_MS
    return (OPENING_MS[size] if known else OPENING_MS[MILLION] * size / MILLION) / 1000


def counting_s(size: int, column: int) -> float:
    row = "count all images; those after a number; bytes (what `stats` asks)"
    return measured(row, column)[0] / 1000 * size / MILLION


def data(size_bytes: float) -> str:
    for unit, one in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= one:
            return f"{two_digits(size_bytes / one)} {unit}"
    raise AssertionError(size_bytes)


def time(seconds: float) -> str:
    for unit, one, fewest in (("d", 86_400, 2), ("h", 3600, 2), ("min", 60, 2), ("s", 1, 1)):
        if seconds >= fewest * one:
            return f"{two_digits(seconds / one)} {unit}"
    return f"{two_digits(1000 * seconds)} ms"


def two_digits(number: float) -> str:
    rounded = float(f"{number:.1e}")
    return f"{rounded:g}" if rounded < 10 else f"{rounded:.0f}"


# Each row of the page: how it is told, at which sizes it was measured, how it is reckoned.
Row = tuple[Callable[[float], str], set[int], Callable[[int], float]]
BENCHED, NEVER = {10**5, MILLION}, set[int]()
ROWS: dict[str, Row] = {
    "catalogue, photos of 19 KB": (data, NEVER, lambda n: catalogue_bytes(n, SMALL_PHOTO_BYTES)),
    "catalogue, photos of 67 KB": (data, NEVER, lambda n: catalogue_bytes(n, LARGE_PHOTO_BYTES)),
    "a generation of the index": (data, BENCHED, index_bytes),
    "what an upgrade asks for": (data, NEVER, upgrade_bytes),
    "the volume, photos of 19 KB": (data, NEVER, lambda n: volume_bytes(n, SMALL_PHOTO_BYTES)),
    "the volume, photos of 67 KB": (data, NEVER, lambda n: volume_bytes(n, LARGE_PHOTO_BYTES)),
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
    """The cells of the page's first table, without its head."""
    found = [line for line in section("Sizing").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[2:]]


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def reckoned(name: str) -> list[str]:
    tell, known, reckon = ROWS[name]
    return [name, *(("" if n in known else "~") + tell(reckon(n)) for n in SIZES)]


def test_each_figure_of_the_sizing_table_follows_from_what_was_measured() -> None:
    assert rows() == [reckoned(name) for name in ROWS]


def test_the_figures_beside_the_table_follow_from_it_too() -> None:
    an_image = (UPDATE_PEAK_MB[MILLION] - UPDATE_PEAK_MB[10**5]) * 1e6 / (MILLION - 10**5)
    large = 10**8
    for figure in (
        f"One adds {ADDS_PER_S / 2:.0f} a second or answers {SEARCHES_PER_S / 2:.0f} a second",
        f"whose {2000 / INFERRED_PER_S:.0f} ms of inference",
        f"images by the rate ({ADDS_PER_S:.0f} and {EMBEDDED_PER_S:.0f} a second)",
        f"Triton ({TRITON_MB:.0f} MB), the sidecar ({SIDECAR_MB:.0f} MB, two processes)",
        f"took {an_image:.0f} bytes more for each image more",
        f"take {reckoned_training_s(10**5):.0f} s where {TRAINING_S[10**5]:.0f} were measured",
        f"looks at {sample_size(large):,} images at most",
        f"a hundred million {sample_size(large) // lists_for(large)} for each list, where k-means "
        f"wants {POINTS_PER_LIST}",
    ):
        assert figure in " ".join(section("Sizing").replace("**Cores**: one", "One").split())


@pytest.mark.parametrize("size", [10**5, 10**6])
def test_the_reckoned_size_of_the_index_is_the_measured_one(size: int) -> None:
    codes = LITE0 / VALUES_PER_CODE / 2 + LABEL_BYTES
    centres = 2 * FLOAT_BYTES * LITE0 * lists_for(size) / size
    reckoned = FEATURES_BYTES + SEQ_AND_CRC_BYTES + codes + centres
    assert reckoned == pytest.approx(INDEX_BYTES[size], rel=0.01)


def test_from_a_million_down_the_extrapolations_come_near_to_what_was_measured() -> None:
    assert reckoned_training_s(10**5) == pytest.approx(TRAINING_S[10**5], rel=0.3)
    assert SEARCH_MS[10**5] * 10**0.5 == pytest.approx(SEARCH_MS[MILLION], rel=0.3)


@pytest.mark.parametrize("photo_bytes", [19_000, LARGE_PHOTO_BYTES])
def test_a_row_of_the_catalogue_takes_as_much_beside_its_photo_as_is_reckoned(
    tmp_path: Path, photo_bytes: int
) -> None:
    random, count = np.random.default_rng(0), FILLED_BYTES // photo_bytes
    sizes = random.uniform(0.4, 1.6, count) * photo_bytes
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", 30)
    model = catalogue.models.adopt(1, "0" * 64, LITE0)
    vector = random.standard_normal(LITE0, np.float32)
    fill(
        catalogue,
        (
            NewImage(random.bytes(8).hex(), "0" * 64, random.bytes(int(size)), {model: vector})
            for size in sizes
        ),
    )
    catalogue.database.release_space()
    catalogue.database.close()
    taken = (tmp_path / "catalogue.sqlite").stat().st_size / count
    beside = taken - sizes.mean() - FEATURES_BYTES
    assert beside == pytest.approx(ROW_OVERHEAD_BYTES, rel=0.15)


def test_large_photos_are_kept_as_so_many_bytes() -> None:
    size = Settings.model_fields["canonical_size"].default
    kept = [canonical(path.read_bytes(), ImageRules(size, 10**8)) for path in packaged()]
    large = [len(jpeg) for path, jpeg in zip(packaged(), kept, strict=True) if is_large(path, size)]
    assert len(large) == 14
    assert np.mean(large) == pytest.approx(LARGE_PHOTO_BYTES, rel=0.02)


def is_large(path: Path, side: int) -> bool:
    return bool(min(decode(path.read_bytes()).shape[:2]) >= side)


# -- what the page names


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    alerts = re.findall(r"^ +- alert: (\w+)$", ALERTS.read_text(), re.M)
    anchors = re.findall(r"runbook_url: docs/OPERATIONS.md#(\w+)$", ALERTS.read_text(), re.M)
    assert len(alerts) > 20
    assert sorted(re.findall(r"^### (.*)$", section("Alerts"), re.M)) == sorted(alerts)
    assert anchors == [name.lower() for name in alerts]


def test_every_section_of_an_alert_says_what_to_do() -> None:
    for text in section("Alerts").split("\n### ")[1:]:
        name, _, advice = text.partition("\n")
        assert 15 <= len(advice.split()) <= 80, name


def test_every_error_word_of_the_page_is_one() -> None:
    known = {kind.word for kind in subclasses(errors.SimilarityError)}
    known |= {*answers.HTTP_WORDS.values(), errors.SimilarityError.word}
    first = [line.split("|")[1] for line in section("Troubleshooting").splitlines() if "|" in line]
    words = {word for cell in first for word in re.findall(r"`([a-z]+_[a-z_]+)`", cell)}
    assert len(words) > 10
    assert words <= known


def subclasses(kind: type[errors.SimilarityError]) -> set[type[errors.SimilarityError]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


def test_every_setting_and_target_of_the_page_is_known() -> None:
    files = [ROOT / "Makefile", *ROOT.glob("docker-compose*.yml"), *ROOT.glob(".env.example")]
    text = "\n".join(path.read_text() for path in files)
    settings = {name.upper() for name in Settings.model_fields}
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)", PAGE))
    assert {one for one in named - settings if one not in text} == set()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:^    |`)make ([a-z][a-z-]*)", PAGE, re.M)) <= targets


def test_containers_are_given_the_time_that_requests_in_hand_may_take() -> None:
    assert f"{GRACEFUL_TIMEOUT_S} seconds" in section("Releases and other models")


def test_every_link_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")
        for name in re.findall(r"^#+ (.*)$", PAGE, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, anchor = target.partition("#")
        assert (ROOT / "docs" / file).exists()
        assert file or anchor in anchors, target
