"""An image is found from its add on, by every process, whatever happens to the catalogue."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from sidecar.catalogue import TaskKind
from sidecar.catalogue.schema import features
from sidecar.errors import NoIndex
from sidecar.index import SearchRequest
from sidecar.search.by_image import Search
from sidecar.search.neighbours import Neighbours
from sidecar.tasks.admission import Admission
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.scheduler import AutoUpdate, Scheduler
from tests.catalogue.test_went_back import copied
from tests.support.house import House, vector

INDEXED, WAITING = 1000, 300
EVERYTHING = SearchRequest(num_results=2000, nprob=100, max_dist=4.0)
MOST = 2000


def build(house: House) -> None:
    """1,000 images, indexed; the last is number 1,000."""
    house.add(1, INDEXED)
    house.run("train")


def found(search: Search, number: int = 7) -> Neighbours:
    return search.nearest_to(f"{number}", EVERYTHING)


def check_exact(neighbours: Neighbours, numbers: set[int], of: int = 7) -> None:
    """The answer is that of a comparison with all of these images, in its order."""
    assert {int(each) for each in neighbours.result} == numbers - {of}
    apart = [float(np.sum((vector(int(n)) - vector(of)) ** 2)) for n in neighbours.result]
    assert neighbours.dist == pytest.approx(apart, abs=2e-2)
    assert neighbours.dist == sorted(neighbours.dist)


def test_what_came_since_the_update_is_found_at_once_by_every_process(house: House) -> None:
    searches = [house.search(MOST), house.search(MOST)]
    for last in (INDEXED, INDEXED + 1, INDEXED + 60, INDEXED + WAITING):
        first = house.catalogue.images.count() + 1
        house.add(first, last)
        for search in searches:
            neighbours = found(search)
            check_exact(neighbours, set(range(1, last + 1)))
            assert neighbours.unindexed == last - INDEXED


def test_a_waiting_image_finds_others_and_not_itself(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    check_exact(found(house.search(MOST), 1100), set(range(1, INDEXED + WAITING + 1)), 1100)


def test_without_it_only_what_an_update_published_is_found(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    neighbours = found(house.search())
    assert len(neighbours.result) == INDEXED - 1
    assert neighbours.unindexed == 0


@pytest.mark.parametrize("removed", [(1001,), (1300,), (1299, 1300), (5, 1150, 1300), (7777,)])
def test_what_was_removed_is_not_found(house: House, removed: tuple[int, ...]) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    search = house.search(MOST)
    found(search)
    house.remove(*removed)
    check_exact(found(search), set(range(1, INDEXED + WAITING + 1)) - set(removed))
    house.add(3000, 3001)
    check_exact(found(search), set(range(1, INDEXED + WAITING + 1)) - set(removed) | {3000, 3001})


def test_all_that_waits_may_be_removed(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    search = house.search(MOST)
    found(search)
    house.remove(*range(INDEXED + 1, INDEXED + WAITING + 1))
    neighbours = found(search)
    check_exact(neighbours, set(range(1, INDEXED + 1)))
    assert neighbours.unindexed == 0


def test_an_overwritten_image_is_found_as_it_is_now(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    search = house.search(MOST)
    found(search)
    for number in (9, 1100):
        house.add(number, number, overwrite=True)
    check_exact(found(search), set(range(1, INDEXED + WAITING + 1)))


def test_an_update_takes_over_what_waits(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    search = house.search(MOST)
    assert found(search).unindexed == WAITING
    house.run("update")
    house.add(1301, 1310)
    neighbours = found(search)
    check_exact(neighbours, set(range(1, 1311)))
    assert (neighbours.generation, neighbours.unindexed) == (2, 10)


def test_a_damaged_generation_gives_way_to_the_one_before(house: House) -> None:
    """What that one lacks is compared one by one."""
    house.add(INDEXED + 1, INDEXED + WAITING)
    house.run("update")
    search = house.search(MOST)
    assert found(search).generation == 2
    shared = {path.name for path in house.generations.path(1).iterdir()}
    for path in house.generations.path(2).glob("features-*"):
        if path.name not in shared:
            path.write_bytes(bytes(path.stat().st_size))
    neighbours = found(search)
    check_exact(neighbours, set(range(1, INDEXED + WAITING + 1)))
    assert (neighbours.generation, neighbours.unindexed) == (1, WAITING)


@pytest.mark.parametrize("instead", [0, 10, 40, 100])
def test_a_catalogue_that_went_back_is_seen_as_it_is(house: House, instead: int) -> None:
    """Back to a moment behind the generation; what waited there has other numbers now."""
    back = copied(house)
    house.add(INDEXED + 1, INDEXED + 40)
    search = house.search(MOST)
    assert found(search).unindexed == 40
    back()
    if instead:
        house.add(5001, 5000 + instead)
    check_exact(found(search), set(range(1, INDEXED + 1)) | set(range(5001, 5001 + instead)))


def test_rows_over_the_most_wait_for_the_update(house: House) -> None:
    house.add(INDEXED + 1, INDEXED + WAITING)
    for most in (1, 100, WAITING - 1, WAITING, WAITING + 1):
        neighbours = found(house.search(most))
        assert neighbours.unindexed == min(most, WAITING)
        check_exact(neighbours, set(range(1, INDEXED + neighbours.unindexed + 1)))


def test_a_damaged_row_is_left_out_and_the_others_are_found(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.add(INDEXED + 1, INDEXED + 3)
    with house.catalogue.database.writing() as connection:
        which = features.c.seq == INDEXED + 2
        connection.execute(update(features).where(which).values(vector=bytes(128)))
    check_exact(found(house.search(MOST)), set(range(1, INDEXED + 4)) - {INDEXED + 2})
    assert f"the features of image number {INDEXED + 2} are not what was stored" in caplog.text


def test_threads_find_what_was_added_before_they_asked(house: House) -> None:
    search, added, failures = house.search(MOST), threading.Event(), []

    def look(number: int) -> None:
        while not added.is_set():
            newest = house.catalogue.images.count()
            numbers = {int(each) for each in found(search, number).result}
            if missing := set(range(1, newest + 1)) - numbers - {number}:
                failures.append(missing)

    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(look, number) for number in range(1, 5)]
        for number in range(INDEXED + 1, INDEXED + 101):
            house.add(number, number)
        added.set()
    for each in looks:
        each.result()
    assert failures == []


class TestUntrained:
    """Before the first training."""

    def test_all_is_found(self, tmp_path: Path) -> None:
        house = House(tmp_path)
        search = house.search(MOST)
        for last in (1, 2, 200):
            house.add(house.catalogue.images.count() + 1, last)
            neighbours = found(search, 1)
            check_exact(neighbours, set(range(1, last + 1)), 1)
            assert (neighbours.generation, neighbours.version) == (0, 1)
        house.remove(3)
        check_exact(found(search, 1), set(range(1, 201)) - {3}, 1)
        house.add(201, 1100)
        house.run("train")
        neighbours = found(search, 1)
        assert (neighbours.generation, neighbours.unindexed) == (1, 0)

    def test_there_is_no_search_without_images_or_with_too_many(self, tmp_path: Path) -> None:
        house = House(tmp_path)
        with pytest.raises(NoIndex):
            found(house.search(MOST), 1)
        house.add(1, 51)
        with pytest.raises(NoIndex, match=r"over 50 images \(LIVE_SEARCH_MAX\): train first"):
            found(house.search(50), 1)
        with pytest.raises(NoIndex):
            found(house.search(), 1)
        assert len(found(house.search(51), 1).result) == 50


def test_an_update_is_asked_for_when_many_wait(house: House) -> None:
    queue = TaskQueue("redis://127.0.0.1:1")
    admission = Admission(house.generations, Path())
    scheduler = Scheduler(house.catalogue, admission, queue, AutoUpdate(0, 100))
    house.add(INDEXED + 1, INDEXED + 100)
    scheduler.update_when_due()
    assert house.catalogue.tasks.unfinished((TaskKind.UPDATE,)) is None
    house.add(INDEXED + 101, INDEXED + 101)
    scheduler.update_when_due()
    assert house.catalogue.tasks.unfinished((TaskKind.UPDATE,)) is not None


def test_removed_images_do_not_wait(house: House) -> None:
    scheduler = Scheduler(
        house.catalogue,
        Admission(house.generations, Path()),
        TaskQueue("redis://127.0.0.1:1"),
        AutoUpdate(0, 100),
    )
    house.add(INDEXED + 1, INDEXED + 150)
    house.remove(*range(INDEXED + 1, INDEXED + 60))
    scheduler.update_when_due()
    assert house.catalogue.tasks.unfinished((TaskKind.UPDATE,)) is None
