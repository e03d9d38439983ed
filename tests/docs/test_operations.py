"""docs/operations.md, held against what was measured, against the alerts and against the code."""

import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench import engines as bench
from bench.filling import fill
from docs.tables import engines, figures, sizing
from local.photos import packaged
from local.stack import ROOT
from sidecar import errors
from sidecar.catalogue import NewImage, open_catalogue
from sidecar.http import error_handlers as answers
from sidecar.http.server import GRACEFUL_TIMEOUT_S
from sidecar.images import ImageRules, canonical, decode
from sidecar.index.ann import POINTS_PER_LIST, lists_for, sample_size
from sidecar.settings import Settings

PAGE = (ROOT / "docs" / "operations.md").read_text()
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
FILLED_BYTES = 40_000_000


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_sizing_table_is_the_one_that_follows_from_what_was_measured() -> None:
    found = [line for line in section("Sizing").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[2:]]
    assert cells == sizing.rows()


def test_the_figures_beside_the_table_follow_from_it_too() -> None:
    large = 10**8
    for figure in (
        f"One adds {sizing.ADDS_PER_S / 2:.0f} a second "
        f"or answers {sizing.SEARCHES_PER_S / 2:.0f} a second",
        f"whose {2000 / sizing.INFERRED_PER_S:.0f} ms of inference",
        f"images by the rate ({sizing.ADDS_PER_S:.0f} and {sizing.EMBEDDED_PER_S:.0f} a second)",
        f"Triton ({sizing.TRITON_MB:.0f} MB), "
        f"the sidecar ({sizing.SIDECAR_MB:.0f} MB, two processes)",
        f"took {sizing.update_peak_bytes_per_image():.0f} bytes more for each image more",
        f"take {sizing.reckoned_training_s(10**5):.0f} s "
        f"where {sizing.TRAINING_S[10**5]:.0f} were measured",
        f"looks at {sample_size(large):,} images at most",
        f"a hundred million {sample_size(large) // lists_for(large)} for each list, where k-means "
        f"wants {POINTS_PER_LIST}",
    ):
        assert figure in " ".join(section("Sizing").replace("**Cores**: one", "One").split())


def test_the_figures_about_milvus_follow_from_what_was_measured() -> None:
    text, (spent, held) = " ".join(section("Milvus").split()), engines.times_local()
    trainings = (sizing.time(sizing.training_s(size)) for size in engines.SIZES)
    waited, training, update = (
        sizing.two_digits(engines.MILVUS.figures[row] / engines.LOCAL.figures[row])
        for row in ("p50_ms", "training_s", "update_10_s")
    )
    for figure in (
        f"{engines.MILVUS.size:,} images, a search took {sizing.two_digits(spent)} times the "
        f"processor time and an image more {sizing.two_digits(held)} times the memory",
        f"A client waited {waited} times as long, and a training took {training} times as long, "
        f"an update by a tenth {update} times.",
        f"have {engines.HOST_CORES} cores and {engines.HOST_BYTES / 1e9:.0f} GB, of which searches "
        f"use {engines.BUSY:.0%} and the index {engines.LOADED:.0%}".replace("%", " %"),
        f"on each host, {sizing.held_bytes(10**8):,.0f} bytes an image",
        f"a training on one host: {', '.join(trainings)}.",
        f"{engines.growing_by('milvus_bytes'):,.0f} bytes of it with `HNSW`",
    ):
        assert figure in text


def test_both_engines_are_reckoned_from_columns_that_the_bench_prints() -> None:
    heads = {f"{name}, {size:,}" for name in ("local", "milvus") for size in bench.SIZES}
    assert {*figures.TABLES["engines"]["columns"][1:]} == heads
    assert engines.LOCAL.size == engines.MILVUS.size
    assert sizing.held_bytes(engines.LOCAL.size) == pytest.approx(
        engines.LOCAL.figures["host_bytes"], rel=0.05
    )


def test_more_images_and_more_searches_never_need_less() -> None:
    small, large = engines.LARGE_SEGMENT_BYTES, engines.SEGMENT_BYTES
    for size in engines.SIZES:
        assert engines.milvus_search_s(size, small) <= engines.milvus_search_s(size, large)
    for reckoned in (engines.local, lambda n, rate: engines.milvus(n, rate, large)):
        for fewer, more in pairwise(engines.SIZES):
            assert reckoned(fewer, 100).memory < reckoned(more, 100).memory
            assert reckoned(fewer, 100).cores < reckoned(more, 100).cores
        for size in engines.SIZES:
            hosts = [reckoned(size, rate).hosts or math.inf for rate in engines.RATES]
            assert hosts == sorted(hosts)


@pytest.mark.parametrize("size", [10**5, 10**6])
def test_the_reckoned_size_of_the_index_is_the_measured_one(size: int) -> None:
    assert sizing.held_bytes(size) == pytest.approx(sizing.INDEX_BYTES[size], rel=0.01)


def test_from_a_million_down_the_extrapolations_come_near_to_what_was_measured() -> None:
    reckoned_s = sizing.reckoned_training_s(10**5)
    assert reckoned_s == pytest.approx(sizing.TRAINING_S[10**5], rel=0.4)
    search_ms = sizing.SEARCH_MS
    assert search_ms[10**5] < search_ms[10**6] < search_ms[10**5] * 10**0.5


@pytest.mark.parametrize("photo_bytes", [19_000, sizing.LARGE_PHOTO_BYTES])
def test_a_row_of_the_catalogue_takes_as_much_beside_its_photo_as_is_reckoned(
    tmp_path: Path, photo_bytes: int
) -> None:
    random, count = np.random.default_rng(0), FILLED_BYTES // photo_bytes
    sizes = random.uniform(0.4, 1.6, count) * photo_bytes
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", 30)
    model = catalogue.models.adopt(1, "0" * 64, sizing.LITE0)
    catalogue.database.release_space()
    empty = (tmp_path / "catalogue.sqlite").stat().st_size  # a page for each table and index
    vector = random.standard_normal(sizing.LITE0, np.float32)
    fill(
        catalogue,
        (
            NewImage(random.bytes(8).hex(), "0" * 64, random.bytes(int(size)), {model: vector})
            for size in sizes
        ),
    )
    catalogue.database.release_space()
    catalogue.close()
    taken = ((tmp_path / "catalogue.sqlite").stat().st_size - empty) / count
    beside = taken - sizes.mean() - sizing.FEATURES_BYTES
    assert beside == pytest.approx(sizing.ROW_OVERHEAD_BYTES, rel=0.15)


def test_large_photos_are_kept_as_so_many_bytes() -> None:
    size = Settings.model_fields["canonical_size"].default
    kept = [canonical(path.read_bytes(), ImageRules(size, 10**8)) for path in packaged()]
    large = [len(jpeg) for path, jpeg in zip(packaged(), kept, strict=True) if is_large(path, size)]
    assert len(large) == 14
    assert np.mean(large) == pytest.approx(sizing.LARGE_PHOTO_BYTES, rel=0.02)


def is_large(path: Path, side: int) -> bool:
    return bool(min(decode(path.read_bytes()).shape[:2]) >= side)


# -- what the page names


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    alerts = re.findall(r"^ +- alert: (\w+)$", ALERTS.read_text(), re.M)
    anchors = re.findall(r"runbook_url: docs/operations.md#(\w+)$", ALERTS.read_text(), re.M)
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


def test_every_message_that_the_page_quotes_is_one_of_the_code() -> None:
    code = "".join(path.read_text() for path in (ROOT / "sidecar").rglob("*.py"))
    joined = re.sub(r'"\s*f?"', "", code)  # a sentence that goes over several lines
    first = [line.split("|")[1] for line in section("Troubleshooting").splitlines() if "|" in line]
    quoted = {text for cell in first for text in re.findall(r'"([^":]+)[":]', cell)}
    assert len(quoted) > 7
    assert {
        text for text in quoted - {"Deadline Exceeded"} if text not in joined
    } == set()  # gRPC's


def subclasses(kind: type[errors.SimilarityError]) -> set[type[errors.SimilarityError]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


def test_containers_are_given_the_time_that_requests_in_flight_may_take() -> None:
    assert f"{GRACEFUL_TIMEOUT_S} seconds" in section("Releases and other models")
