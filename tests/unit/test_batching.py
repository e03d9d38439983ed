"""Calls batched from many threads: who gets what, and who waits for whom."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from sidecar.batching import Batcher
from sidecar.telemetry import timings


class Doubling:
    """Work that doubles numbers, refuses odd ones, and can be held up."""

    def __init__(self, most: int = 100, groups: int = 1) -> None:
        self.groups: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.open = Event()
        self.gathering: Batcher[int, int] = Batcher("work", self._double, most, groups)
        self.pool = ThreadPoolExecutor(32)

    def _double(self, numbers: list[int]) -> list[int | Exception]:
        self.groups.append(numbers)
        self.entered.release()
        assert self.open.wait(60)
        if 13 in numbers:
            raise RuntimeError("unlucky")
        return [ValueError(f"{n} is odd") if n % 2 else 2 * n for n in numbers]

    def ask(self, *numbers: int) -> list[Future[int]]:
        return [self.pool.submit(self.gathering.ask, number) for number in numbers]

    def wait_for(self, waiting: int) -> None:
        while self.gathering.waiting < waiting:
            time.sleep(0.001)


def test_those_that_come_while_one_works_are_the_next_group() -> None:
    work = Doubling()
    [first] = work.ask(2)
    assert work.entered.acquire(timeout=60)
    later = work.ask(4, 6, 8)
    work.wait_for(3)
    work.open.set()
    assert [done.result(60) for done in [first, *later]] == [4, 8, 12, 16]
    assert work.groups[0] == [2]
    assert sorted(work.groups[1]) == [4, 6, 8]


def test_no_group_is_larger_than_the_most() -> None:
    work = Doubling(most=4)
    first = work.ask(0)
    assert work.entered.acquire(timeout=60)
    later = work.ask(*range(2, 22, 2))
    work.wait_for(10)
    work.open.set()
    assert [done.result(60) for done in first + later] == [0, *range(4, 44, 4)]
    assert [len(group) for group in work.groups] == [1, 4, 4, 2]


def test_groups_work_side_by_side_as_far_as_allowed() -> None:
    work = Doubling(groups=2)
    asked = work.ask(2, 4)
    assert work.entered.acquire(timeout=60)
    assert work.entered.acquire(timeout=60)
    asked += work.ask(6, 8)
    work.wait_for(2)
    assert len(work.groups) == 2
    work.open.set()
    assert [done.result(60) for done in asked] == [4, 8, 12, 16]
    again = work.ask(10, 12)
    assert [done.result(60) for done in again] == [20, 24]


def test_an_error_of_one_is_not_its_neighbours() -> None:
    work = Doubling()
    first = work.ask(2)
    assert work.entered.acquire(timeout=60)
    even, odd = work.ask(4, 5)
    work.wait_for(2)
    work.open.set()
    assert (first[0].result(60), even.result(60)) == (4, 8)
    with pytest.raises(ValueError, match="5 is odd"):
        odd.result(60)


def test_what_the_work_raises_is_everybodys_and_the_next_group_works_on() -> None:
    work = Doubling()
    first = work.ask(13)
    assert work.entered.acquire(timeout=60)
    later = work.ask(2)
    work.wait_for(1)
    work.open.set()
    with pytest.raises(RuntimeError, match="unlucky"):
        first[0].result(60)
    assert later[0].result(60) == 4


def test_a_thousand_from_many_threads_all_get_their_own() -> None:
    work = Doubling(most=7, groups=3)
    work.open.set()
    assert [done.result(60) for done in work.ask(*range(0, 2000, 2))] == list(range(0, 4000, 4))
    assert sorted(n for group in work.groups for n in group) == list(range(0, 2000, 2))


def test_waiting_and_working_are_timed_apart() -> None:
    work = Doubling()
    work.open.set()
    timings.begin()
    work.gathering.ask(2)
    stages = [part.split(";")[0] for part in timings.header(0.0).split(", ")]
    assert stages == ["queue", "work", "total"]
