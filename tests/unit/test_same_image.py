"""`max_dist=same` and `max_dist=similar`: what is probably the query's own image, alone."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import falcon
import numpy as np
import pytest
from falcon.testing import create_req
from numpy.typing import NDArray

from sidecar.catalogue import PROBABLE, NewImage
from sidecar.errors import WrongArguments
from sidecar.fields import parse_filter
from sidecar.http.reading.search_params import search_request
from sidecar.index import Grouping, SearchRequest
from sidecar.index.probability import GENERAL
from sidecar.models import contract as contracts
from sidecar.models.contract import SameImage
from sidecar.search.neighbours import Neighbours
from sidecar.settings import from_environment
from tests.catalogue.test_search_batch import answers
from tests.support.house import DIMENSION, House, vector

IMAGES, LIVE = 30, 1000  # each image is about as far from any other
ALL = SearchRequest(IMAGES, 100, math.inf, probability=True)
SAME, SIMILAR = (replace(ALL, least=least) for least in PROBABLE.values())


def twin(number: int, apart: float) -> NDArray[np.float32]:
    """A unit vector at a squared distance from an image's."""
    step = np.random.default_rng(900 + number).normal(size=DIMENSION)
    aside = step - (step @ vector(number)) * vector(number)
    cosine = 1 - apart / 2
    sine = math.sqrt(1 - cosine**2)
    point = cosine * vector(number) + sine * aside / np.linalg.norm(aside)
    return np.asarray(point, np.float32)


def put(house: House, name: str, features: NDArray[np.float32], **said: object) -> None:
    new = NewImage(name, name, b"jpeg", {house.model: features}, document=json.dumps(said))
    house.catalogue.adds.add_all([new])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    house.trainer = replace(house.trainer, fewest_samples=1)
    house.add(1, IMAGES, said=lambda number: {"even": number % 2 == 0})
    put(house, "copy", vector(7), even=False)
    put(house, "near", twin(7, 0.1), even=True)
    put(house, "fairly near", twin(8, 0.85), even=True)
    house.run("train")
    put(house, "nearer, waiting", twin(7, 0.05), even=False)
    yield house
    house.catalogue.close()


@pytest.mark.parametrize("number", [7, 8, 9, 29])
def test_a_name_cuts_the_list_where_the_probability_says(house: House, number: int) -> None:
    search = house.search(LIVE)
    every = search.nearest_to(f"{number}", ALL)
    likely = dict(zip(every.result, every.probability or [], strict=True))
    for request, least in ((SAME, 0.9), (SIMILAR, 0.5)):
        found = search.nearest_to(f"{number}", request)
        assert found.result == [name for name, each in likely.items() if (each or 0) >= least]
        assert found.probability == [likely[name] for name in found.result]
        assert search.nearest_to(f"{number}", replace(request, probability=False)).result == (
            found.result
        )


def test_the_two_names_differ(house: House) -> None:
    search = house.search(LIVE)
    assert search.nearest_to("7", SAME).result == ["copy", "nearer, waiting", "near"]
    assert search.nearest_to("8", SAME).result == []
    assert search.nearest_to("8", SIMILAR).result == ["fairly near"]
    assert search.nearest_to("9", SIMILAR).result == []


def test_what_a_search_is_narrowed_to_does_not_move_the_limit(house: House) -> None:
    """The three of filter and groups find less than ten others."""
    search = house.search(LIVE)
    few = replace(SAME, wanted=parse_filter('{"$id": ["near", "9", "10"]}'))
    found, every = search.nearest_to("7", few), search.nearest_to("7", ALL)
    assert found.result == ["near"]
    assert found.probability == [(every.probability or [])[every.result.index("near")]]
    grouped = search.nearest_to("7", replace(SAME, group=Grouping("even", 1)))
    assert grouped.result == ["copy", "near"]
    assert grouped.probability == [1.0 - 0.0009, *found.probability]
    one = search.nearest_to("7", replace(SAME, num_results=1))
    assert (one.result, one.probability) == (["copy"], grouped.probability[:1])


def test_pages_scores_and_batches_are_cut_alike(house: House) -> None:
    search = house.search(LIVE)
    page = search.nearest_to("7", replace(SAME, num_results=1, offset=1))
    assert page.result == ["nearer, waiting"]
    scored = search.nearest_to("7", replace(SAME, similar=True))
    assert scored.result[0] == "copy"
    assert sorted(scored.result) == ["copy", "near", "nearer, waiting"]
    assert len(scored.score or []) == 3
    first, second = answers(search, [7, 8], replace(SAME, probability=False))
    assert isinstance(first, Neighbours)
    assert isinstance(second, Neighbours)
    assert first.result == ["copy", "nearer, waiting", "near"]
    assert (first.probability, second.result) == (None, [])


def test_among_fewer_than_ten_others_only_exact_copies_are_known(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add(1, 8)
    put(house, "copy", vector(7))
    put(house, "near", twin(7, 0.001))
    search = house.search(LIVE)
    found = search.nearest_to("7", SAME)
    assert (found.result, found.probability) == (["copy"], [None])
    put(house, "tenth", vector(9))
    assert search.nearest_to("7", SAME).result == ["copy"]
    put(house, "eleventh", vector(10))
    assert search.nearest_to("7", SAME).result == ["copy", "near"]
    house.catalogue.close()


@pytest.mark.parametrize("least", [0.5, 0.9, 0.99, 1e-6])
def test_the_farthest_distance_has_the_least_probability(least: float) -> None:
    limit = GENERAL.farthest(0.4, least)
    [found] = GENERAL.probabilities(np.array([limit], np.float32), 0.4)
    assert found == pytest.approx(least, rel=1e-4)


def asked(value: str) -> SearchRequest:
    req: falcon.Request = create_req(query_string=f"max_dist={value}")
    return search_request(req, from_environment())


def test_a_request_names_a_limit_or_has_a_number() -> None:
    assert (asked("same").least, asked("same").max_dist) == (0.9, math.inf)
    assert (asked("similar").least, asked("similar").max_dist) == (0.5, math.inf)
    assert (asked("0.5").least, asked("0.5").max_dist) == (None, 0.5)
    for wrong in ("identical", "SAME", ""):
        with pytest.raises(WrongArguments, match="must be a number, same or similar"):
            asked(wrong)
    with pytest.raises(WrongArguments, match="at least 0"):
        asked("nan")


def test_a_version_with_constants_of_its_own_is_judged_by_them(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add(1, IMAGES)
    put(house, "near", twin(7, 0.1))
    general = house.search(LIVE).nearest_to("7", ALL)
    strict = SameImage(2.0, 20.0, 0.01, 100)
    folder = contracts.folder(house.repository, 1)
    made = contracts.read(house.repository, 1)
    contracts.write(folder, replace(made, same_image=strict, labels_sha256="0" * 64))
    search = house.search(LIVE)
    [first, *_] = search.nearest_to("7", ALL).probability or [None]
    assert first is not None
    tenth = general.dist[9]
    assert first == pytest.approx(1 / (1 + math.exp(20 * general.dist[0] / tenth - 2)), abs=1e-3)
    assert (general.probability or [0])[0] != first
    assert house.search(LIVE).nearest_to("7", SAME).result == []
    house.catalogue.close()
