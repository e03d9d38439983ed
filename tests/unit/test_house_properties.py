"""Adds, removals, updates, trainings and restarts in any order, against a dictionary of images.

Up to EXACT images a search compares every one, so brute force knows each answer.
"""

import math
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sidecar.index import SearchRequest
from sidecar.search.by_image import Search
from tests.support.house import House, vector

pytestmark = pytest.mark.long

EXACT = 10**6
NUMBERS = st.integers(1, 25)
NEAREST = SearchRequest(num_results=7, nprob=5, max_dist=math.inf)


class Life(RuleBasedStateMachine):
    """Of a small collection."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.stored: dict[int, int] = {}  # the sequence number of each image
        self.indexed: set[int] = set()  # sequence numbers in the newest generation
        self.last = 0
        self.open()
        self.add(3)
        self.train()

    def open(self) -> None:
        self.house = House(self.folder, exact_max=EXACT)
        self.house.trainer = replace(self.house.trainer, fewest_samples=1)
        self.searches: list[Search] = [self.house.search()]

    @rule(number=NUMBERS)
    def add(self, number: int) -> None:
        """Takes the place of an image with the same number, if there is one."""
        self.house.add(number, number, overwrite=True)
        self.last += 1
        self.stored[number] = self.last

    @rule(first=NUMBERS, count=st.integers(2, 8))
    def add_many(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.add(number)

    @precondition(lambda self: self.stored)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.stored)))
        self.house.catalogue.removals.remove(f"{number}")
        del self.stored[number]

    @rule()
    def update(self) -> None:
        assert self.house.run("update").images == len(self.stored)
        self.indexed = set(self.stored.values())

    @precondition(lambda self: self.stored)
    @rule()
    def train(self) -> None:
        assert self.house.run("train").images == len(self.stored)
        self.indexed = set(self.stored.values())

    @rule()
    def restart(self) -> None:
        self.house.catalogue.close()
        self.open()

    @rule()
    def another_process(self) -> None:
        self.searches = [*self.searches[-1:], self.house.search()]

    @precondition(lambda self: self.stored)
    @rule(data=st.data())
    def look_around(self, data: st.DataObject) -> None:
        """Each process gives what is stored and indexed, the nearest first."""
        number = data.draw(st.sampled_from(sorted(self.stored)))
        others = [n for n, seq in self.stored.items() if seq in self.indexed and n != number]
        for search in self.searches:
            found = search.nearest_to(f"{number}", NEAREST)
            assert len(found.result) == len(set(found.result)) == min(7, len(others))
            assert set(map(int, found.result)) <= set(others)
            real = sorted(distance(number, other) for other in others)[:7]
            assert np.allclose(found.dist, real, atol=2e-3)
            own = [distance(number, int(other)) for other in found.result]
            assert np.allclose(found.dist, own, atol=2e-3)

    @invariant()
    def all_is_well(self) -> None:
        entries = self.house.catalogue.images
        assert entries.page(0, 100) == sorted((s, f"{n}") for n, s in self.stored.items())
        generation = self.house.generations.current()
        assert set(generation.segments.seqs.tolist()) == self.indexed
        assert self.house.problems() == []

    def teardown(self) -> None:
        self.house.catalogue.close()
        shutil.rmtree(self.folder)


def distance(one: int, other: int) -> float:
    return float(np.square(vector(one) - vector(other)).sum())


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=8, stateful_step_count=20)
