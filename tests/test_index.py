"""The index of codes, against brute force."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sidecar.index import Index, Without, lists_for, probes, sample_size


def unit_vectors(count: int, dimension: int, seed: int = 0) -> NDArray[np.float32]:
    """Points around 40 centres on the sphere, as features of photos of 40 kinds would lie."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(40, dimension))
    spread = random.normal(size=(count, dimension)) * 0.7
    points = centres[random.integers(0, 40, count)] + spread
    unit: NDArray[np.float32] = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit.astype(np.float32)


def recall(index: Index, vectors: NDArray[np.float32], queries: int, nprob: int) -> float:
    """The share of the ten nearest of each query that are among its candidates."""
    hits = 0
    for query in vectors[:queries]:
        exact = np.argsort(np.square(vectors - query).sum(axis=1))[:10]
        hits += len(set(10 * exact) & set(index.candidates(query, 10, nprob)))
    return hits / (10 * queries)


@pytest.fixture(scope="module", params=[64, 61])  # 61 is no multiple of a code's width
def built(request: pytest.FixtureRequest) -> tuple[Index, NDArray[np.float32]]:
    vectors = unit_vectors(3000, request.param)
    index = Index.train(vectors, len(vectors))
    index.add(10 * np.arange(len(vectors)), vectors)
    return index, vectors


def test_candidates_hold_the_true_neighbours(built: tuple[Index, NDArray[np.float32]]) -> None:
    index, vectors = built
    assert recall(index, vectors, 100, nprob=5) >= 0.95
    assert recall(index, vectors, 100, nprob=100) >= 0.995


def test_more_probes_never_find_less(built: tuple[Index, NDArray[np.float32]]) -> None:
    index, vectors = built
    found = [recall(index, vectors, 60, nprob) for nprob in (1, 5, 20, 50, 100)]
    assert found == sorted(found)


def test_a_mapped_index_answers_like_the_one_that_was_saved(
    built: tuple[Index, NDArray[np.float32]], tmp_path: Path
) -> None:
    index, vectors = built
    index.save(tmp_path / "codes")
    mapped = Index.map(tmp_path / "codes", vectors.shape[1])
    for query in vectors[:20]:
        assert np.array_equal(mapped.candidates(query, 10, 5), index.candidates(query, 10, 5))


def test_a_loaded_index_can_be_changed(
    built: tuple[Index, NDArray[np.float32]], tmp_path: Path
) -> None:
    index, vectors = built
    index.save(tmp_path / "codes")
    loaded = Index.load(tmp_path / "codes", vectors.shape[1])
    new = unit_vectors(5, vectors.shape[1], seed=1)
    loaded.add(np.arange(40_000, 40_005), new)
    assert loaded.size == len(vectors) + 5
    assert 40_004 in loaded.candidates(new[4], 1, 5)
    loaded.remove(np.array([40_004, 70, 999_999]))
    assert loaded.size == len(vectors) + 3
    assert 40_004 not in loaded.candidates(new[4], 1, 100)
    assert 70 not in loaded.candidates(vectors[7], 1, 100)
    rest = np.delete(np.arange(len(vectors)), 7)
    assert set(loaded.candidates(vectors[8], 3000, 100)) >= set(10 * rest)


def test_what_is_to_be_left_out_is_never_a_candidate(
    built: tuple[Index, NDArray[np.float32]], tmp_path: Path
) -> None:
    index, vectors = built
    index.save(tmp_path / "codes")
    mapped = Index.map(tmp_path / "codes", vectors.shape[1])
    gone = 10 * np.arange(0, 3000, 3)
    for query in vectors[:30]:
        found = mapped.candidates(query, 3000, 100, Without(gone))
        assert sorted(found) == sorted(set(range(0, 30_000, 10)) - set(gone.tolist()))


def test_an_index_may_be_small_or_empty() -> None:
    vectors = unit_vectors(3, 64)
    index = Index.train(vectors, 3)
    index.add(np.array([5, 6, 7]), vectors)
    assert sorted(index.candidates(vectors[0], 10, 5)) == [5, 6, 7]
    index.remove(np.array([5, 6, 7]))
    assert index.candidates(vectors[0], 10, 5).tolist() == []


def test_the_dial_of_probes_goes_from_little_to_all() -> None:
    assert [probes(1000, nprob) for nprob in (1, 5, 50, 100)] == [20, 100, 1000, 1000]
    assert [probes(30, nprob) for nprob in (1, 5, 50, 100)] == [4, 20, 30, 30]


def test_small_sets_are_split_into_few_lists() -> None:
    assert (lists_for(1), lists_for(1000), lists_for(1_000_000)) == (1, 25, 1000)
    assert sample_size(1200) == 1200
