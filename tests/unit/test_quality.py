"""Recall that is promised, measured and reported: ground truth, operating points, drift."""

import json
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from sidecar.index.ann import Device, Index, SearchParams
from sidecar.index.calibration import Calibration
from sidecar.index.nprob import RECALL_TARGETS, OperatingPoint, OperatingPoints
from sidecar.index.recall.autotune import tune
from sidecar.index.recall.filtered import UNMEASURED
from sidecar.index.recall.ground_truth import GroundTruth, GroundTruthBuilder
from sidecar.index.recall.quality import Quality, Shape
from sidecar.index.recall.sweep import Sweep
from sidecar.index.segments import CRC, CRCS, FEATURES, SEQ, SEQS, Segments
from tests.support.vectors import unit_vectors

DIMENSION = 64


def written(folder: Path, seqs: NDArray[np.int64], vectors: NDArray[np.float32]) -> Segments:
    """Features as a draft writes them, in two files."""
    folder.mkdir()
    rows = vectors.astype(FEATURES)
    half = len(rows) // 2
    for name, part in (("a.f16", rows[:half]), ("b.f16", rows[half:])):
        (folder / name).write_bytes(part.tobytes())
    (folder / SEQS).write_bytes(seqs.astype(SEQ).tobytes())
    (folder / CRCS).write_bytes(np.array([crc32(row.data) for row in rows], CRC).tobytes())
    return Segments(folder, {"a.f16": half, "b.f16": len(rows) - half}, DIMENSION)


def compared(
    segments: Segments, before: GroundTruth | None = None, new_from: int = 0
) -> GroundTruth:
    builder = GroundTruthBuilder(segments, Device(), before, new_from)
    for seqs, vectors in segments.chunks(new_from):
        builder.compare(seqs, vectors)
    return builder.finish()


def assert_true(truth: GroundTruth, seqs: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """The ten nearest of each query are those of brute force."""
    for query, dist, labels in zip(truth.queries, truth.dist, truth.labels, strict=True):
        exact = np.square(vectors - vectors[np.searchsorted(seqs, query)]).sum(axis=1)
        assert query not in labels
        exact[np.searchsorted(seqs, query)] = np.inf
        assert np.allclose(dist[:10], np.sort(exact)[:10], atol=1e-5)
        assert np.allclose(exact[np.searchsorted(seqs, labels[:10])], dist[:10], atol=1e-5)


def test_chunks_and_samples_are_the_rows(tmp_path: Path) -> None:
    vectors, seqs = unit_vectors(901, DIMENSION), 3 * np.arange(901)
    segments = written(tmp_path / "x", seqs, vectors)
    for start, stop in ((0, None), (0, 0), (10, 20), (440, 460), (900, 901)):
        chunks = [(s.copy(), v.copy()) for s, v in segments.chunks(start, stop)]
        assert np.array_equal(
            np.concatenate([np.empty(0), *(s for s, _ in chunks)]), seqs[start:stop]
        )
        every = np.concatenate([np.empty((0, DIMENSION)), *(v for _, v in chunks)])
        assert np.array_equal(every, vectors[start:stop])
    sample = segments.sample(200)
    assert len(np.unique(sample, axis=0)) == 200
    assert {row.tobytes() for row in sample} <= {row.tobytes() for row in vectors}


def test_a_truth_is_that_of_brute_force_and_outlives_saving(tmp_path: Path) -> None:
    vectors, seqs = unit_vectors(3000, DIMENSION), 7 * np.arange(3000)
    truth = compared(written(tmp_path / "x", seqs, vectors))
    assert len(np.unique(truth.queries)) == 1024
    assert truth.held_out.sum() == 512
    assert_true(truth, seqs, vectors)
    truth.save(tmp_path / "truth.npz")
    again = GroundTruth.load(tmp_path / "truth.npz")
    assert all(np.array_equal(getattr(again, name), value) for name, value in vars(truth).items())


@pytest.mark.long
def test_a_truth_follows_updates_and_removals(tmp_path: Path) -> None:
    """Many steps, so that neighbours beyond those that were kept would show."""
    random = np.random.default_rng(4)
    vectors, seqs = unit_vectors(2000, DIMENSION), np.arange(2000)
    truth = compared(written(tmp_path / "0", seqs, vectors))
    drawn = {truth.drawn_up_to}
    for step in range(1, 9):
        stay = random.random(len(seqs)) > 0.15
        old = int(stay.sum())
        seqs = np.concatenate([seqs[stay], 2000 * step + np.arange(150)])
        vectors = np.concatenate([vectors[stay], unit_vectors(150, DIMENSION, seed=step)])
        truth = compared(written(tmp_path / f"{step}", seqs, vectors), truth, old)
        assert_true(truth, seqs, vectors)
        assert len(truth.queries) >= min(1000, len(seqs))
        assert set(truth.queries) <= set(seqs)
        drawn.add(truth.drawn_up_to)
    assert len(drawn) > 1


def test_new_images_become_queries_when_they_are_many(tmp_path: Path) -> None:
    vectors, seqs = unit_vectors(6000, DIMENSION), np.arange(6000)
    first = compared(written(tmp_path / "0", seqs[:4000], vectors[:4000]))
    few = compared(written(tmp_path / "1", seqs[:4500], vectors[:4500]), first, 4000)
    assert np.array_equal(few.queries, first.queries)
    many = compared(written(tmp_path / "2", seqs, vectors), few, 4500)
    assert 0.28 < np.mean(many.queries >= 4000) < 0.38
    before = dict(zip(first.queries, first.held_out, strict=True))
    stood = [(q, h) for q, h in zip(many.queries, many.held_out, strict=True) if q in before]
    assert len(stood) > 600
    assert all(before[q] == h for q, h in stood)


def built(tmp_path: Path, count: int) -> tuple[Index, GroundTruth, Segments]:
    vectors, seqs = unit_vectors(count, DIMENSION), 5 * np.arange(count)
    segments = written(tmp_path / "x", seqs, vectors)
    index = Index.train(vectors, count)
    index.add(seqs, vectors)
    return index, compared(segments), segments


def test_a_sweep_shows_what_each_shorter_search_finds(tmp_path: Path) -> None:
    index, truth, segments = built(tmp_path, 4000)
    run = Sweep(index, truth, segments).run(SearchParams(60, 800))
    queries = np.concatenate([v.copy() for _, v in segments.chunks()])[truth.queries // 5]
    for params in (
        SearchParams(1, 20),
        SearchParams(7, 50),
        SearchParams(60, 100),
        SearchParams(60, 800),
    ):
        found = index.candidates(queries, params)
        real = [
            len(set(own) & set(true[:10])) / 10
            for own, true in zip(found, truth.labels, strict=True)
        ]
        shown = run.hits(params.lists).recalls(params.candidates)
        # Not query by query: which of many codes at the same distance comes last is chance.
        assert shown.mean() == pytest.approx(np.mean(real), abs=0.004)


def test_operating_points_meet_their_targets_and_never_fall(tmp_path: Path) -> None:
    tuned = tune(*built(tmp_path, 6000))
    assert tuned.queries == 512
    assert [point.nprob for point in tuned.points] == list(RECALL_TARGETS)
    assert tuned.below_target() == []
    for point in tuned.points:
        assert RECALL_TARGETS[point.nprob] <= point.recall
        assert point.recall - 0.03 < point.at_least < point.recall
    for one, other in zip(tuned.points, tuned.points[1:], strict=False):
        assert one.recall <= other.recall
    params = [tuned.search_params(nprob, results=1) for nprob in range(1, 101)]
    assert [p.lists for p in params] == sorted(p.lists for p in params)
    assert [p.candidates for p in params] == sorted(p.candidates for p in params)
    assert params[0] != params[-1]


def test_copies_beyond_those_that_are_kept_count_as_found(tmp_path: Path) -> None:
    """Forty times the same photo: any ten of them are right, not a quarter of them."""
    vectors = np.repeat(unit_vectors(50, DIMENSION), 40, axis=0)
    seqs = np.arange(2000)
    segments = written(tmp_path / "x", seqs, vectors)
    index = Index.train(vectors, 2000)
    index.add(seqs, vectors)
    tuned = tune(index, compared(segments), segments)
    assert (tuned.at(5).recall >= 0.95, tuned.at(100).recall) == (True, 1.0)


@pytest.mark.long
def test_a_target_that_can_not_be_met_is_reported(tmp_path: Path) -> None:
    """Codes of other vectors find nothing but by chance."""
    vectors, seqs = unit_vectors(5600, DIMENSION), np.arange(5600)
    segments = written(tmp_path / "x", seqs, vectors)
    index = Index.train(vectors, 5600)
    index.add(seqs, unit_vectors(5600, DIMENSION, seed=8))
    quality = Quality.of_training(
        tune(index, compared(segments), segments), Shape(5600, 1.0, 0.5), UNMEASURED
    )
    missed = quality.summary().warnings
    assert any("at NPROB 100 is" in sentence for sentence in missed)
    assert quality.training_due() == []  # it has just been trained
    after = quality.after_update(quality.operating_points, Shape(1, 1.0, 0.5))
    assert after.training_due() == ["a recall is below its target"]


@pytest.mark.parametrize("count", [0, 1, 2, 11])
def test_the_smallest_sets_are_measured_too(tmp_path: Path, count: int) -> None:
    vectors, seqs = unit_vectors(count, DIMENSION), np.arange(count)
    segments = written(tmp_path / "x", seqs, vectors)
    for index in (Index.exact(DIMENSION), Index.train(unit_vectors(1, DIMENSION), 1)):
        index.add(seqs, vectors)
        tuned = tune(index, compared(segments), segments)
        assert all(point.recall == 1.0 for point in tuned.points)
        assert tuned.search_params(5, results=30).candidates >= 80


POINTS = tuple(
    OperatingPoint(n, 2 * n, 30 * n, recall=p, at_least=p) for n, p in RECALL_TARGETS.items()
)
TUNED = OperatingPoints(POINTS, 500)
TRAINED = Quality.of_training(TUNED, Shape(1000, 1.5, 0.4), UNMEASURED)


def test_between_two_points_a_search_looks_a_part_of_the_way_farther() -> None:
    assert TUNED.search_params(5, 1) == SearchParams(10, 150)
    assert TUNED.search_params(7, 1) == SearchParams(13, 198)
    assert TUNED.search_params(100, 1) == SearchParams(200, 3000)
    assert TUNED.search_params(1, 1000).candidates == 30 + 4 * 990


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (Shape(900, 1.6, 0.44), None),
        (Shape(900, 2.4, 0.40), "uneven"),
        (Shape(900, 1.6, 0.60), "new images lie 0.60"),
        (Shape(5, 1.6, 0.60), None),
        (Shape(3100, 1.6, 0.40), "3100 images were added to the 1000"),
    ],
)
def test_drift_is_noticed(new: Shape, reason: str | None) -> None:
    quality = TRAINED.after_update(TUNED, new)
    due = quality.training_due()
    assert len(due) == (reason is not None)
    assert reason is None or reason in due[0]
    assert Quality.from_json(json.loads(json.dumps(quality.to_json()))) == quality


def test_drift_adds_up_over_updates() -> None:
    quality = TRAINED
    for _ in range(4):
        assert quality.training_due() == []
        quality = quality.after_update(TUNED, Shape(3, 1.5, 0.7))
    assert quality.added.images == 12
    assert "new images lie 0.70" in quality.training_due()[0]


def test_a_check_of_the_same_image_is_kept_through_updates_and_files() -> None:
    checked = replace(TRAINED, same_image=Calibration(0.02, None, 0.5, 100))
    after = checked.after_update(TUNED, Shape(3, 1.5, 0.7))
    assert after.same_image == checked.same_image
    written = json.loads(json.dumps(after.to_json()))
    assert Quality.from_json(written) == after
    del written["same_image"]  # as an earlier release wrote it
    assert Quality.from_json(written) == replace(after, same_image=None)
    assert "same_image" not in TRAINED.to_json()
