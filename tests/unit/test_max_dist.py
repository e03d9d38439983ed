"""`max_dist` cuts the list of neighbours, and 0 leaves the identical image in it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sidecar.catalogue import NewImage
from sidecar.index import SearchRequest, rank
from tests.support.house import House, vector


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    house.trainer = replace(house.trainer, fewest_samples=1)
    house.add(1, 40)
    house.catalogue.adds.add_all(
        [NewImage("twin", "sha", b"jpeg", {house.model: vector(7)})]  # sequence number 41
    )
    house.run("train")
    yield house
    house.catalogue.close()


@pytest.mark.parametrize("max_dist", [0.0, 1e-9])
def test_max_dist_of_0_finds_the_identical_image_and_its_twin(
    house: House, max_dist: float
) -> None:
    request = SearchRequest(10, 100, max_dist)
    seqs, dist = rank(house.generations.current(), vector(7), request)
    assert seqs.tolist() == [7, 41]
    assert dist.max() > 0  # what float16 took
    assert rank(house.generations.current(), vector(9), request)[0].tolist() == [9]


def test_max_dist_of_0_finds_nothing_for_a_new_image(house: House) -> None:
    seqs, _ = rank(house.generations.current(), vector(41), SearchRequest(10, 100, 0.0))
    assert seqs.tolist() == []


def test_a_stored_image_finds_its_twin_alone(house: House) -> None:
    assert house.nearest(7, SearchRequest(10, 100, 0.0)) == ["twin"]
    assert house.nearest(9, SearchRequest(10, 100, 0.0)) == []
