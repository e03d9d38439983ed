"""Keywords of rows, against a list of (label, score, row)."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.catalogue import DIGITS, KeywordPage
from sidecar.index.postings import MOST, Place, Postings

ROWS = 9


class Entry(NamedTuple):
    label: int
    score: float
    row: int


def entries(labels: st.SearchStrategy[int]) -> st.SearchStrategy[list[Entry]]:
    scores = st.floats(0, 1, width=16)
    entry = st.builds(Entry, labels, scores, st.integers(0, ROWS - 1))
    return st.lists(entry, max_size=30, unique_by=lambda each: (each.label, each.row))


ENTRIES = entries(st.sampled_from((0, 1, 2, 65_535)))


def postings(given: list[Entry], first: int = 0, rows: Callable[[int], int] = int) -> Postings:
    """Of a page with an image a row, numbered from `first` on."""
    by_row = [[each for each in given if each.row == row] for row in range(ROWS)]
    every = [each for group in by_row for each in group]
    page = KeywordPage(
        np.arange(first, first + ROWS),
        np.array([len(group) for group in by_row], np.int64),
        np.ones(ROWS, np.bool_),
        np.array([each.label for each in every], np.uint16),
        np.array([each.score for each in every], np.float16),
    )
    return Postings.of(page, np.array([rows(row) for row in range(ROWS)], np.int64))


def of(found: Postings) -> list[Entry]:
    labels = range(65_536) if len(found.entries) else ()
    walked = []
    for label in {0, 1, 2, 65_535} & set(labels):
        scores, rows = found.walk(label, 0.0, Place(MOST, 0))
        pairs = zip(scores.tolist(), rows.tolist(), strict=True)
        walked += [Entry(label, score, row) for score, row in pairs]
    return sorted(walked)


@given(ENTRIES, st.floats(0, 1))
def test_rows_of_a_keyword_come_the_highest_score_first(given: list[Entry], least: float) -> None:
    found = postings(given)
    for label in (0, 1, 3, 65_535):
        over = [each for each in given if each.label == label and each.score >= least - 0.50001e-4]
        over.sort(key=lambda each: (-each.score, each.row))
        assert found.having(label, least).tolist() == [each.row for each in over]
    assert of(found) == sorted(given)


@example(0.09375)
@given(st.floats(0.0625, 1, width=16))
def test_a_score_as_it_is_shown_asks_for_its_row(score: float) -> None:
    assert postings([Entry(1, score, 3)]).having(1, round(score, DIGITS)).tolist() == [3]
    assert not len(postings([Entry(1, score, 3)]).having(1, round(score, DIGITS) + 1e-3))


@given(ENTRIES, st.integers(1, 5))
def test_pages_join_into_the_whole(given: list[Entry], size: int) -> None:
    found = postings(given)
    begin, rows = Place(MOST, 0), []
    while True:
        scores, page = found.walk(1, 0.0, begin, size)
        rows += page.tolist()
        if len(page) < size:
            break
        begin = Place(float(scores[-1]), int(page[-1]) + 1)
    assert rows == found.having(1).tolist()


@given(ENTRIES, st.sets(st.integers(0, ROWS - 1)))
def test_counts_are_those_of_rows(given: list[Entry], some: set[int]) -> None:
    found = postings(given)
    for counts, among in ((found.counts, set(range(ROWS))), (_counts_of(found, some), some)):
        wanted = [0] * len(counts)
        for each in given:
            wanted[each.label] += each.row in among
        assert counts.tolist() == wanted


def _counts_of(found: Postings, rows: set[int]) -> np.ndarray:
    return found.counts_of(np.array(sorted(rows), np.int64))


@given(ENTRIES, st.sets(st.integers(0, ROWS - 1)))
def test_rows_leave_and_the_others_move_up(given: list[Entry], leaving: set[int]) -> None:
    places = np.full(ROWS, -1)
    staying = sorted(set(range(ROWS)) - leaving)
    places[staying] = np.arange(len(staying))
    moved = [each._replace(row=int(places[each.row])) for each in given]
    wanted = sorted(each for each in moved if each.row >= 0)
    assert of(postings(given).moved(places)) == wanted
    assert of(postings(given, rows=lambda row: int(places[row]))) == wanted


@given(ENTRIES, ENTRIES)
def test_two_join_and_differ_where_they_do(one: list[Entry], other: list[Entry]) -> None:
    second = postings(other, rows=lambda row: row + ROWS)
    later = [each._replace(row=each.row + ROWS) for each in other]
    assert of(Postings.merged([postings(one), second])) == sorted(one + later)
    differing = {each.row for each in set(one) ^ set(other)}
    assert postings(one).differing(postings(other)).tolist() == sorted(differing)


@given(ENTRIES)
def test_a_file_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, given: list[Entry]
) -> None:
    path: Path = tmp_path_factory.mktemp("postings") / "keywords.u64"
    postings(given).save(path)
    assert of(Postings.map(path)) == sorted(given)
