"""The index of codes and the exact one, against brute force."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from local.stack import ROOT
from sidecar.errors import DeviceUnavailable
from sidecar.index.ann import (
    Device,
    ExcludeIds,
    Index,
    Nearest,
    SearchParams,
    distances,
    ivfpq,
    lists_for,
    sample_size,
    widen,
)
from tests.support.vectors import unit_vectors

FAR = SearchParams(lists=10**6, candidates=600)


def files(folder: Path) -> tuple[Path, Path]:
    return folder / "trained", folder / "lists"


def recall(index: Index, vectors: NDArray[np.float32], queries: int, params: SearchParams) -> float:
    """The share of the ten nearest of each query that are among its candidates."""
    hits = 0
    for query, found in zip(vectors, index.candidates(vectors[:queries], params), strict=False):
        exact = np.argsort(np.square(vectors - query).sum(axis=1))[:10]
        hits += len(set(10 * exact) & set(found))
    return hits / (10 * queries)


@pytest.fixture(scope="module", params=[64, 61])  # 61 is no multiple of a code's width
def built(request: pytest.FixtureRequest) -> tuple[Index, NDArray[np.float32]]:
    vectors = unit_vectors(3000, request.param)
    index = Index.train(vectors, len(vectors))
    index.add(10 * np.arange(len(vectors)), vectors)
    return index, vectors


def test_candidates_hold_the_true_neighbours(built: tuple[Index, NDArray[np.float32]]) -> None:
    index, vectors = built
    assert recall(index, vectors, 100, FAR) >= 0.995


def test_a_longer_search_never_finds_less(built: tuple[Index, NDArray[np.float32]]) -> None:
    index, vectors = built
    longer = [SearchParams(1, 40), SearchParams(8, 80), SearchParams(30, 160), FAR]
    found = [recall(index, vectors, 60, params) for params in longer]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_a_mapped_index_answers_like_the_one_that_was_saved(
    built: tuple[Index, NDArray[np.float32]], tmp_path: Path
) -> None:
    index, vectors = built
    index.save(*files(tmp_path))
    mapped = Index.map(*files(tmp_path), vectors.shape[1])
    near = SearchParams(5, 100)
    found = mapped.candidates(vectors[:20], near)
    assert np.array_equal(found, index.candidates(vectors[:20], near))
    one = [mapped.candidates(query[None], near)[0] for query in vectors[:20]]
    assert np.array_equal(found, one)


def test_a_loaded_index_can_be_changed(
    built: tuple[Index, NDArray[np.float32]], tmp_path: Path
) -> None:
    index, vectors = built
    index.save(*files(tmp_path))
    loaded = Index.load(*files(tmp_path), vectors.shape[1])
    new = unit_vectors(5, vectors.shape[1], seed=1)
    loaded.add(np.arange(40_000, 40_005), new)
    assert loaded.size == len(vectors) + 5
    assert 40_004 in loaded.candidates(new[4:], SearchParams(5, 40))
    loaded.remove(np.array([40_004, 70, 999_999]))
    assert loaded.size == len(vectors) + 3
    everything = SearchParams(10**6, 3003)
    rest = 10 * np.delete(np.arange(len(vectors)), 7)
    found = loaded.candidates(new[4:], everything)[0]
    assert sorted(found) == [*rest.tolist(), *range(40_000, 40_004)]


def test_an_index_of_an_earlier_release_keeps_its_own_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had one for eight features, however many an image has: 104 numbers for 101."""
    vectors = unit_vectors(700, 101)
    with monkeypatch.context() as earlier:
        earlier.setattr(ivfpq, "FEW_FEATURES", 8)
        index = Index.train(vectors, len(vectors))
        index.add(10 * np.arange(700), vectors)
        index.save(*files(tmp_path))
    assert index.codes_per_image == 13
    loaded = Index.load(*files(tmp_path), 101)
    loaded.add(np.arange(90_000, 90_005), unit_vectors(5, 101, seed=1))
    loaded.save(*files(tmp_path))
    mapped = Index.map(*files(tmp_path), 101)
    assert (mapped.size, mapped.codes_per_image) == (705, 13)
    assert recall(mapped, vectors, 50, FAR) > 0.9
    assert Index.train(vectors, len(vectors)).codes_per_image == 26


@pytest.mark.parametrize("exact", [False, True])
def test_what_is_to_be_left_out_is_never_a_candidate(
    built: tuple[Index, NDArray[np.float32]], tmp_path: Path, exact: bool
) -> None:
    index, vectors = built
    if exact:
        index = Index.exact(vectors.shape[1])
        index.add(10 * np.arange(len(vectors)), vectors)
    index.save(*files(tmp_path))
    mapped = Index.map(*files(tmp_path), vectors.shape[1])
    gone = 10 * np.arange(0, 3000, 3)
    for found in mapped.candidates(vectors[:30], SearchParams(10**6, 3000), ExcludeIds(gone)):
        assert sorted(found[found >= 0]) == sorted(set(range(0, 30_000, 10)) - set(gone.tolist()))


@pytest.mark.parametrize("kind", ["exact", "trained"])
def test_a_mapped_index_takes_no_memory_of_its_own(tmp_path: Path, kind: str) -> None:
    """So four processes that search it together hold it once."""
    vectors = np.random.default_rng(0).standard_normal((8000, 1280), np.float32)
    index = Index.exact(1280) if kind == "exact" else Index.train(vectors, 8000)
    index.add(np.arange(8000), vectors)
    index.save(*files(tmp_path))
    vectors[:20].tofile(tmp_path / "queries")
    script = f"""
        from pathlib import Path
        import numpy as np
        from sidecar.index.ann import Index, SearchParams
        def own():
            lines = Path("/proc/self/status").read_text().splitlines()
            return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
        queries = np.fromfile("{tmp_path}/queries", np.float32).reshape(-1, 1280)
        Index.exact(1280).candidates(queries, SearchParams(1, 1))
        before = own()
        index = Index.map(Path("{tmp_path}/trained"), Path("{tmp_path}/lists"), 1280)
        far = SearchParams(1000, 100)
        found = [index.candidates(query[None], far)[0][0] for query in queries]
        assert found == list(range(20)), found
        print(own() - before)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    size = (tmp_path / "lists").stat().st_size
    centroids = (tmp_path / "trained").stat().st_size
    assert int(done.stdout) * 1024 < centroids + size / 3


@pytest.mark.parametrize("dimension", [64, 61])
def test_an_exact_index_ranks_like_brute_force(dimension: int) -> None:
    vectors = unit_vectors(2000, dimension)
    index = Index.exact(dimension)
    index.add(np.arange(2000), vectors)
    for query, found in zip(
        vectors, index.candidates(vectors[:50], SearchParams(1, 30)), strict=False
    ):
        exact = np.square(vectors - query).sum(axis=1)
        assert np.allclose(exact[found], np.sort(exact)[:30], atol=1e-6)


def test_an_index_may_be_small_or_empty() -> None:
    vectors = unit_vectors(3, 64)
    index = Index.train(vectors, 3)
    index.add(np.array([5, 6, 7]), vectors)
    assert sorted(index.candidates(vectors[:1], FAR)[0]) == [5, 6, 7]
    index.remove(np.array([5, 6, 7]))
    assert index.candidates(vectors[:1], FAR).shape == (1, 0)
    assert index.imbalance() == 1.0


def test_lists_are_visited_in_turn_and_hold_all(built: tuple[Index, NDArray[np.float32]]) -> None:
    index, vectors = built
    lists, turns = index.labels_by_list(), index.visit_order(vectors[:20])
    assert sorted(np.concatenate(lists).tolist()) == list(range(0, 30_000, 10))
    assert all(sorted(row) == list(range(index.lists)) for row in turns.tolist())
    for query, row in zip(vectors, turns, strict=False):
        first = set(index.candidates(query[None], SearchParams(2, 3000))[0].tolist()) - {-1}
        assert first == {*lists[row.argsort()[0]], *lists[row.argsort()[1]]}


def test_true_neighbours_are_found_chunk_by_chunk() -> None:
    vectors = unit_vectors(700, 64)
    own = np.array([3, 400, 699])
    none = np.full((3, 12), -1), np.full((3, 12), np.inf, np.float32)
    walk = Nearest(vectors[own], own, none, Device())
    for start in (0, 5, 300, 699):
        stop = {0: 5, 5: 300, 300: 699, 699: 700}[start]
        walk.compare(np.arange(start, stop), vectors[start:stop])
    for query, labels, dist in zip(own, walk.labels, walk.dist, strict=True):
        exact = np.square(vectors - vectors[query]).sum(axis=1)
        exact[query] = np.inf
        assert np.allclose(dist, np.sort(exact)[:12], atol=1e-5)
        assert np.allclose(exact[labels], dist, atol=1e-5)


def test_distances_are_those_of_brute_force() -> None:
    rows = unit_vectors(50, 61).astype(np.float16)
    query = unit_vectors(1, 61, seed=5)[0]
    wide = widen(rows)
    assert np.array_equal(wide, rows.astype(np.float32))
    assert np.allclose(distances(query, rows), np.square(wide - query).sum(axis=1), atol=1e-6)
    assert distances(query, rows[:0]).tolist() == []


def test_small_sets_are_split_into_few_lists() -> None:
    assert [lists_for(size) for size in (1, 1000, 10_000, 1_000_000)] == [1, 25, 200, 2000]
    assert [sample_size(size) for size in (1200, 100_000, 10**8)] == [1200, 80_896, 262_144]


@pytest.mark.skipif(Device("auto").gpus > 0, reason="there is a GPU")
def test_a_gpu_that_is_asked_for_and_not_there_is_named() -> None:
    with pytest.raises(DeviceUnavailable, match="FAISS finds no GPU"):
        Device("gpu")


@pytest.mark.skipif(Device("auto").gpus == 0, reason="FAISS finds no GPU")
def test_a_gpu_makes_an_index_that_the_cpu_searches(tmp_path: Path) -> None:
    vectors = unit_vectors(3000, 64)
    gpu = Device("gpu")
    index = Index.train(vectors, len(vectors), gpu)
    index.add(10 * np.arange(len(vectors)), vectors, gpu)
    index.save(*files(tmp_path))
    assert recall(Index.map(*files(tmp_path), 64), vectors, 100, FAR) >= 0.995
    dist, found = gpu.knn(vectors[:50], vectors, 10)
    cpu_dist, cpu_found = Device().knn(vectors[:50], vectors, 10)
    assert np.allclose(dist, cpu_dist, atol=1e-5)
    assert np.mean(found == cpu_found) > 0.99
