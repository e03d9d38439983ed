"""order=similar: the hundred nearest by their scores, whatever else a search asks for."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sidecar.fields import parse_filter
from sidecar.index import SearchRequest
from sidecar.index.reranking import RERANKED, order, scores
from sidecar.search.by_image import Search
from sidecar.search.neighbours import Neighbours
from tests.catalogue.test_search_batch import batch
from tests.support.house import House, vector

INDEXED, WAITING = 1000, 60
MOST = 2000
NEAREST = SearchRequest(num_results=10, nprob=100, max_dist=math.inf)
SIMILAR = replace(NEAREST, similar=True)


def said(number: int) -> dict[str, Any]:
    return {"even": number % 2 == 0}


def build(house: House) -> None:
    """1,000 images, indexed."""
    house.add(1, INDEXED, said=said)
    house.run("train")


def found(search: Search, wanted: SearchRequest, number: int = 7) -> Neighbours:
    return search.nearest_to(f"{number}", wanted)


def expected(search: Search, number: int = 7, **how: Any) -> tuple[list[str], list[float]]:
    """The first hundred by distance, reordered by what the images' own vectors score."""
    plain = found(search, replace(NEAREST, num_results=RERANKED, **how), number)
    rows = np.stack([vector(int(each)) for each in plain.result]).astype(np.float16)
    scored = scores(vector(number), rows.astype(np.float32))
    places = order(scored)
    return [plain.result[place] for place in places], scored[places].tolist()


def check(search: Search, number: int = 7, **how: Any) -> None:
    """An answer has the scores that it should have, and every image of the order by distance."""
    ids, scored = expected(search, number, **how)
    similar = found(search, replace(SIMILAR, num_results=RERANKED, **how), number)
    assert similar.score == pytest.approx(scored, abs=1e-3)
    assert sorted(similar.result) == sorted(ids)
    assert similar.result[0] == ids[0]
    apart = [float(np.sum((vector(int(n)) - vector(number)) ** 2)) for n in similar.result]
    assert similar.dist == pytest.approx(apart, abs=2e-2)


@pytest.mark.parametrize("number", [1, 7, 300])
def test_the_hundred_nearest_are_in_the_order_of_their_scores(house: House, number: int) -> None:
    search = house.search()
    check(search, number)
    plain, similar = found(search, NEAREST, number), found(search, SIMILAR, number)
    assert plain.score is None
    assert similar.result != plain.result
    assert similar.result[0] == plain.result[0]
    assert similar.score is not None
    later = [each for each in similar.score[1:] if each is not None]
    assert later == sorted(later, reverse=True)


def test_what_waits_for_an_update_counts_as_well(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING, said=said)
    search = house.search(MOST)
    check(search)
    check(search, INDEXED + 7)
    every = found(search, replace(SIMILAR, num_results=RERANKED))
    assert any(int(each) > INDEXED for each in every.result)


def test_no_training_is_needed(house: House) -> None:
    house.generations.folder.rename(house.generations.folder.with_name("away"))
    check(house.search(MOST))


def test_all_that_is_asked_for_comes_with_those_after_the_first_hundred_by_distance(
    house: House,
) -> None:
    search = house.search()
    plain = found(search, replace(NEAREST, num_results=250))
    similar = found(search, replace(SIMILAR, num_results=250))
    assert sorted(similar.result[:RERANKED]) == sorted(plain.result[:RERANKED])
    assert similar.result[RERANKED:] == plain.result[RERANKED:]
    assert similar.dist[RERANKED:] == plain.dist[RERANKED:]
    assert similar.score is not None
    assert similar.score[RERANKED:] == [None] * 150
    assert all(isinstance(each, float) for each in similar.score[:RERANKED])


def test_pages_neither_repeat_nor_miss_an_image(house: House) -> None:
    search = house.search()
    whole = found(search, replace(SIMILAR, num_results=240, offset=0))
    pages = [
        found(search, replace(SIMILAR, num_results=30, offset=start)) for start in range(0, 240, 30)
    ]
    assert [each for page in pages for each in page.result] == whole.result
    assert [each for page in pages for each in page.dist] == whole.dist
    assert [each for page in pages for each in page.score or ()] == whole.score
    assert len(set(whole.result)) == 240


def test_few_and_many_results_begin_alike(house: House) -> None:
    search = house.search()
    assert (
        found(search, SIMILAR).result
        == found(search, replace(SIMILAR, num_results=RERANKED)).result[:10]
    )


def test_only_what_meets_the_filter_and_the_distance_is_compared(house: House) -> None:
    search = house.search()
    even = parse_filter(json.dumps({"even": True}))
    check(search, wanted=even)
    assert all(int(n) % 2 == 0 for n in found(search, replace(SIMILAR, wanted=even)).result)
    near = found(search, replace(NEAREST, num_results=RERANKED)).dist[15]
    check(search, max_dist=near)
    within = found(search, replace(SIMILAR, num_results=RERANKED, max_dist=near))
    assert len(within.result) == 16
    nothing = found(search, replace(SIMILAR, max_dist=0.0))
    assert (nothing.result, nothing.dist, nothing.score) == ([], [], [])


def test_removed_images_count_no_more(house: House) -> None:
    before = found(house.search(), SIMILAR).result
    house.remove(*map(int, before[1:3]))
    search = house.search()
    check(search)
    assert not {*before[1:3]} & {*found(search, SIMILAR).result}


def test_each_of_a_batch_is_a_single_search(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    search = house.search(MOST)
    names = [f"{n}" for n in (3, 7, INDEXED + 5)]
    with batch(search) as searches:
        answers = [each.answer for each in searches.by_ids(names, SIMILAR)]
    for name, answer in zip(names, answers, strict=True):
        single = search.nearest_to(name, SIMILAR)
        assert isinstance(answer, Neighbours)
        assert answer.result == single.result
        assert answer.score == pytest.approx(single.score, abs=1e-5)
