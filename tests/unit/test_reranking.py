"""Re-ranking: a plain transcription of the formula, and its rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sidecar.index.reranking import RERANKED, order, scores

Rows = NDArray[np.float32]


def candidates(count: int, dimension: int, seed: int, spread: float = 1.0) -> tuple[Rows, Rows]:
    """Returns a query and what is near it, nearest first."""
    random = np.random.default_rng(seed)
    rows = unit(
        random.standard_normal(dimension) + spread * random.standard_normal((count + 1, dimension))
    )
    query, others = rows[0], rows[1:]
    return query, others[np.argsort(-(others @ query), kind="stable")]


def unit(rows: NDArray[np.floating]) -> Rows:
    made: Rows = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return made


def by_the_formula(query: Rows, x: Rows) -> list[float]:
    """The issue's formula, number by number."""
    count = len(x)
    s = [float(query @ each) for each in x]
    g = [[float(one @ other) for other in x] for one in x]
    expanding = range(min(5, count))
    t = [s[i] + sum(max(s[j], 0) ** 3 * g[j][i] for j in expanding) for i in range(count)]
    found = []
    for i in range(count):
        others = sorted((j for j in range(count) if j != i), key=lambda j: -g[i][j])
        w = {j: max(g[i][j], 0) ** 3 for j in others[:10]} | {i: 1.0}
        norm = sum(w[j] * g[j][k] * w[k] for j in w for k in w) ** 0.5
        found.append(sum(w[j] * t[j] for j in w) / norm)
    return found


@given(
    count=st.integers(1, 40),
    dimension=st.integers(2, 48),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.1, 1.0, 10.0]),
)
def test_scores_are_those_of_the_formula(
    count: int, dimension: int, seed: int, spread: float
) -> None:
    query, x = candidates(count, dimension, seed, spread)
    assert scores(query, x) == pytest.approx(by_the_formula(query, x), abs=2e-4)


def test_a_hundred_are_scored_by_the_formula() -> None:
    query, x = candidates(RERANKED, 512, 7)
    found, expected = scores(query, x), by_the_formula(query, x)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, rel=1e-4)
    descending = np.array(expected)[order(found)[1:]]
    assert (np.diff(descending) < 1e-4).all()


def test_images_of_the_query_s_kind_come_forward() -> None:
    kinds = np.random.default_rng(0).standard_normal((4, 64))
    before, after = [], []
    for seed in range(50):
        random = np.random.default_rng(seed)
        of_kind = np.repeat(np.arange(4), 20)
        rows = unit(kinds[of_kind] + 2 * random.standard_normal((80, 64)))
        query = unit(kinds[0] + 2 * random.standard_normal(64))
        nearest = np.argsort(-(rows @ query))
        reordered = nearest[order(scores(query, rows[nearest]))]
        before.append((of_kind[nearest[:10]] == 0).mean())
        after.append((of_kind[reordered[:10]] == 0).mean())
    assert np.mean(after) > np.mean(before) + 0.05


@pytest.mark.parametrize("count", [0, 1, 2, 10, 11, 12])
def test_few_candidates_are_all_ordered(count: int) -> None:
    query, x = candidates(count, 8, 3)
    found = scores(query, x)
    assert len(found) == count
    assert np.isfinite(found).all()
    assert sorted(order(found).tolist()) == [*range(count)]
    assert order(found)[:1].tolist() == [0][:count]


def test_one_candidate_has_its_own_score() -> None:
    query, x = candidates(1, 8, 5)
    similarity = float(x[0] @ query)
    assert scores(query, x)[0] == pytest.approx(similarity + similarity**3, abs=1e-6)


def test_duplicates_have_one_score_and_keep_their_order() -> None:
    query, x = candidates(6, 16, 11)
    repeated = np.repeat(x, 20, axis=0)[:RERANKED]
    found = scores(query, repeated)
    for start in range(0, RERANKED, 20):
        assert found[start : start + 20] == pytest.approx(found[start], rel=1e-5)


def test_the_first_stays_first_and_equal_scores_keep_their_order() -> None:
    assert order(np.array([0.1, 0.5, 0.9, 0.5], np.float32)).tolist() == [0, 2, 1, 3]


def test_features_of_norm_0_score_0() -> None:
    query, x = candidates(20, 8, 13)
    rows = np.concatenate([x, np.zeros((4, 8), np.float32)])
    found = scores(query, rows)
    assert np.isfinite(found).all()
    assert found[20:].tolist() == [0, 0, 0, 0]
    assert not scores(np.zeros(8, np.float32), x).any()
    assert scores(query, np.zeros((3, 8), np.float32)).tolist() == [0, 0, 0]


def test_what_points_away_stands_for_nothing() -> None:
    query, x = candidates(3, 8, 17)
    rows = np.concatenate([x, -x])
    assert scores(query, rows) == pytest.approx(by_the_formula(query, rows), abs=1e-4)
