"""What is kept of an image's keywords, and how a row of them is known to be whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidecar.catalogue import TopKeywords
from sidecar.catalogue.features.keyword_rows import (
    MOST_KEYWORDS,
    OVER,
    from_column,
    is_whole,
    to_column,
    top,
)

SCORES = arrays(np.float32, st.integers(1, 200), elements=st.floats(0, 1, width=32))


def pairs(keywords: TopKeywords | None) -> list[tuple[int, float]]:
    assert keywords is not None
    return [*zip(keywords.labels.tolist(), keywords.scores.tolist(), strict=True)]


@given(SCORES)
def test_those_over_the_threshold_are_kept_the_likeliest_first(scores: np.ndarray) -> None:
    order = sorted(range(len(scores)), key=lambda label: -scores[label])
    wanted = [label for label in order if scores[label] > OVER][:MOST_KEYWORDS]
    kept = pairs(top(scores))
    assert [label for label, _ in kept] == wanted
    assert [score for _, score in kept] == pytest.approx(scores[wanted].tolist(), rel=1e-3)


@given(SCORES, st.integers(1, 2**62), st.integers(1, 2**31 - 1))
def test_a_row_is_read_as_it_was_written(scores: np.ndarray, seq: int, model: int) -> None:
    kept = top(scores)
    column = to_column(seq, model, kept)
    assert len(column) == 4 + 4 * len(kept)
    assert pairs(from_column(seq, model, column)) == pairs(kept)


def test_what_is_no_number_or_as_likely_as_the_threshold_is_not_kept() -> None:
    assert pairs(top(np.array([np.nan, OVER, 0.0, 1.0], np.float32))) == [(3, 1.0)]


def test_keywords_none_of_which_is_likely_are_an_empty_row_and_no_missing_one() -> None:
    column = to_column(1, 1, top(np.zeros(9, np.float32)))
    assert pairs(from_column(1, 1, column)) == []
    assert from_column(1, 1, None) is None


def test_any_other_byte_and_any_other_row_are_noticed() -> None:
    column = to_column(7, 1, top(np.array([0.9, 0.06], np.float32)))
    assert is_whole(7, 1, column)
    for place in range(len(column)):
        other = bytearray(column)
        other[place] ^= 1
        assert from_column(7, 1, bytes(other)) is None
    for cut in range(len(column)):
        assert from_column(7, 1, column[:cut]) is None
    assert not is_whole(8, 1, column)
    assert not is_whole(7, 2, column)


def test_what_was_left_out_is_bounded() -> None:
    assert top(np.array([0.9, 0.2], np.float32)).floor == OVER
    many = top(np.linspace(0.5, 1.0, 50, dtype=np.float32))
    assert many.floor == pytest.approx(0.5 + 30 * 0.5 / 49, abs=1e-3)
