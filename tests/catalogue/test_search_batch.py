"""Searches of a batch answer as single ones do, whatever happens to the catalogue."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import delete, update

from sidecar.catalogue.schema import features
from sidecar.errors import NoIndex, SimilarityError
from sidecar.images import ImageRules
from sidecar.index import SearchRequest
from sidecar.search.batch import SearchBatch
from sidecar.search.batch_queries import BatchQueries
from sidecar.search.by_image import Search
from sidecar.search.example import Examples
from sidecar.search.neighbours import Neighbours
from tests.catalogue.test_went_back import copied
from tests.support.house import TEN, House

INDEXED, WAITING, MOST = 1500, 100, 1000
MANY = SearchRequest(num_results=400, nprob=1, max_dist=math.inf)
EVERYTHING = SearchRequest(num_results=2000, nprob=100, max_dist=4.0)
NEAR = SearchRequest(num_results=10, nprob=50, max_dist=0.3)


def build(house: House) -> None:
    house.add(1, INDEXED)
    house.run("train")


@contextmanager
def batch(search: Search) -> Iterator[SearchBatch]:
    examples = Examples(search.images, ImageRules(384, 10**6))
    queries = BatchQueries(examples, search.models, search.views)
    yield SearchBatch(search, queries)
    queries.close()


def answers(
    search: Search, asked: Iterable[object], wanted: SearchRequest = TEN
) -> list[Neighbours | str]:
    """What is found for each id, or the word of its error."""
    names = [f"{each}" for each in asked]
    with batch(search) as searches:
        outcomes = list(searches.by_ids(names, wanted))
    assert [outcome.name for outcome in outcomes] == names
    found = [outcome.answer for outcome in outcomes]
    return [each.word if isinstance(each, SimilarityError) else each for each in found]


def check_single(search: Search, asked: Iterable[int], wanted: SearchRequest = TEN) -> None:
    """Each is what a single search answers."""
    every = list(asked)
    for number, found in zip(every, answers(search, every, wanted), strict=True):
        single = search.nearest_to(f"{number}", wanted)
        assert isinstance(found, Neighbours)
        assert found.result == single.result
        assert found.dist == pytest.approx(single.dist, abs=1e-6)
        assert (found.version, found.generation, found.unindexed) == (
            *(single.version, single.generation, single.unindexed),
        )


@pytest.mark.parametrize("wanted", [TEN, MANY, NEAR])
def test_each_is_a_single_search(house: House, wanted: SearchRequest) -> None:
    check_single(house.search(), range(1, 200), wanted)


def test_each_finds_what_waits_for_an_update(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    check_single(house.search(MOST), range(INDEXED - 20, INDEXED + 20))


def test_no_training_is_needed(house: House) -> None:
    house.generations.folder.rename(house.generations.folder.with_name("away"))
    check_single(house.search(2 * INDEXED), range(1, 20))
    with pytest.raises(NoIndex):
        answers(house.search(), [1])


def test_what_was_removed_is_found_by_none(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    search = house.search(MOST)
    check_single(search, range(1, 40))
    gone = {int(name) for name in search.nearest_to("7", TEN).result} | {8, INDEXED + 3}
    house.remove(*gone)
    check_single(search, [n for n in range(1, 40) if n not in gone])
    assert answers(search, [8, 7])[0] == "unknown_image_id"


def test_a_bad_query_hinders_no_other(house: House) -> None:
    with house.catalogue.database.writing() as connection:
        connection.execute(delete(features).where(features.c.seq == 2))
        connection.execute(update(features).where(features.c.seq == 3).values(crc=7))
    search = house.search()
    found = answers(search, ["1", "nobody", "a/b", "", "2", "3", "4", "1"])
    words = [each if isinstance(each, str) else "ok" for each in found]
    assert words == [
        *("ok", "unknown_image_id", "wrong_arguments_format", "wrong_arguments_format"),
        *("no_features", "catalogue_damaged", "ok", "ok"),
    ]
    assert found[0] == found[-1] == search.nearest_to("1", TEN)
    assert answers(search, ["nobody"] * 3) == ["unknown_image_id"] * 3
    assert answers(search, []) == []


def test_a_damaged_generation_gives_way_to_the_one_before(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    house.run("update")
    search = house.search(MOST)
    assert [each.generation for each in whole(answers(search, [1, 2]))] == [2, 2]
    shared = {path.name for path in house.generations.path(1).iterdir()}
    for path in house.generations.path(2).glob("features-*"):
        if path.name not in shared:
            path.write_bytes(bytes(path.stat().st_size))
    found = whole(answers(search, [INDEXED + 1, 2], EVERYTHING))
    assert [(each.generation, each.unindexed) for each in found] == [(1, WAITING)] * 2
    assert [len(each.result) for each in found] == [INDEXED + WAITING - 1] * 2


def test_a_catalogue_that_went_back_is_seen_as_it_is(house: House) -> None:
    back = copied(house)
    house.add(INDEXED + 1, INDEXED + 40)
    search = house.search(MOST)
    assert [each.unindexed for each in whole(answers(search, [1, 2]))] == [40, 40]
    back()
    house.add(5001, 5010)
    expected = {f"{n}" for n in (*range(1, INDEXED + 1), *range(5001, 5011))}
    for number, found in zip((1, 2), whole(answers(search, [1, 2], EVERYTHING)), strict=True):
        assert set(found.result) == expected - {f"{number}"}


def whole(found: list[Neighbours | str]) -> list[Neighbours]:
    assert not [each for each in found if isinstance(each, str)]
    return [each for each in found if isinstance(each, Neighbours)]
