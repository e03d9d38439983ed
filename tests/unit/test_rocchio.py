"""The query that likes and unlikes make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import WrongArguments
from sidecar.search.by_examples import Feedback, Weighted, query
from sidecar.search.example import Example
from tests.support.vectors import unit_vectors

DIMENSION = 16
WEIGHTS = st.lists(st.floats(0.01, 1000), min_size=1, max_size=6)


def weighted(weights: list[float]) -> tuple[Weighted, ...]:
    return tuple(Weighted(Example(id=f"{n}"), weight) for n, weight in enumerate(weights))


@given(likes=WEIGHTS, unlikes=WEIGHTS, weight=st.floats(0, 3), seed=st.integers(0, 99))
def test_it_is_the_mean_of_the_likes_less_that_of_the_unlikes(
    likes: list[float], unlikes: list[float], weight: float, seed: int
) -> None:
    rows = unit_vectors(len(likes) + len(unlikes), DIMENSION, seed)
    made = query(rows, Feedback(weighted(likes), weighted(unlikes), weight))
    liked, unliked = rows[: len(likes)], rows[len(likes) :]
    expected = np.array(likes) @ liked / sum(likes)
    expected -= weight * (np.array(unlikes) @ unliked / sum(unlikes))
    assert made.dtype == np.float32
    assert made == pytest.approx(expected / np.linalg.norm(expected), abs=1e-4)


@given(weight=st.floats(0.01, 1000))
def test_one_like_is_a_search_by_it(weight: float) -> None:
    [row] = unit_vectors(1, DIMENSION)
    made = query(row[None], Feedback(weighted([weight])))
    assert made == pytest.approx(row / np.linalg.norm(row), abs=1e-6)


def test_what_is_liked_and_unliked_alike_leaves_nothing() -> None:
    [row] = unit_vectors(1, DIMENSION)
    with pytest.raises(WrongArguments, match="cancel each other out"):
        query(np.stack([row, row]), Feedback(weighted([1]), weighted([5]), 1.0))
