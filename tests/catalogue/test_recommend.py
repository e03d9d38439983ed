"""Images recommended by stored examples: what is nearest to them all, themselves left out."""

import math
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import delete

from sidecar.catalogue import NewImage
from sidecar.catalogue.schema import features
from sidecar.errors import FeaturesMissing, NoIndex, UnknownImage
from sidecar.images import ImageRules
from sidecar.index import SearchRequest
from sidecar.search.by_examples import Feedback, Recommend, Weighted
from sidecar.search.example import Example, Examples
from tests.support.house import TEN, House, vector

IMAGES = 1100
WIDE = SearchRequest(num_results=10, nprob=100, max_dist=math.inf)
COMPOSED = "한글"
IN_PARTS = unicodedata.normalize("NFD", COMPOSED)


def build(house: House) -> None:
    house.add(1, IMAGES)
    house.run("train")


def likes(*names: object) -> tuple[Weighted, ...]:
    return tuple(Weighted(Example(id=f"{name}")) for name in names)


def recommend(house: House, live: int = 0) -> Recommend:
    search = house.search(live)
    return Recommend(search, Examples(search.images, ImageRules(384, 10**6)), search.models)


def nearest(feedback: Feedback, count: int) -> list[str]:
    """The truth, by comparing all."""
    rows = np.stack([vector(n) for n in range(1, IMAGES + 1)]).astype(np.float16).astype(float)

    def mean(examples: tuple[Weighted, ...]) -> np.ndarray:
        chosen = rows[[int(each.example.id) - 1 for each in examples]]
        return np.asarray(np.average(chosen, axis=0, weights=[each.weight for each in examples]))

    wanted = mean(feedback.likes)
    if feedback.unlikes:
        wanted = wanted - feedback.unlike_weight * mean(feedback.unlikes)
    order = np.argsort(np.square(rows - wanted / np.linalg.norm(wanted)).sum(axis=1))
    given = {each.example.id for each in (*feedback.likes, *feedback.unlikes)}
    return [name for name in (f"{n + 1}" for n in order) if name not in given][:count]


@pytest.mark.parametrize(
    "feedback",
    [
        Feedback(likes(7)),
        Feedback(likes(7, 37, 67)),
        Feedback(likes(7, 37), likes(97), 0.5),
        Feedback((Weighted(Example(id="7"), 3.0), Weighted(Example(id="8"), 1.0))),
        Feedback(likes(*range(1, 51)), likes(*range(51, 101))),
    ],
)
def test_it_finds_what_comparing_all_finds_and_nothing_that_was_given(
    house: House, feedback: Feedback
) -> None:
    found = recommend(house).nearest(feedback, WIDE)
    assert found.result == nearest(feedback, 10)
    assert found.dist == sorted(found.dist)
    assert found.version == 1


def test_one_like_is_a_search_by_id(house: House) -> None:
    found = recommend(house).nearest(Feedback(likes(7)), TEN)
    by_id = house.search().nearest_to("7", TEN)
    assert replace(found, dist=[]) == replace(by_id, dist=[])
    assert found.dist == pytest.approx(by_id.dist, abs=1e-3)  # float16 moves a norm by a little


def test_unlikes_push_away(house: House) -> None:
    liked = recommend(house).nearest(Feedback(likes(7)), WIDE)
    unliked = Feedback(likes(7), likes(liked.result[0]), 2.0)
    assert recommend(house).nearest(unliked, WIDE).result[0] != liked.result[1]


def test_an_example_is_left_out_however_its_id_is_written(house: House) -> None:
    house.catalogue.adds.add(NewImage(COMPOSED, "sha", b"jpeg", {house.model: vector(7)}))
    found = recommend(house, live=100).nearest(Feedback(likes(IN_PARTS)), TEN)
    assert found.result[0] == "7"
    assert COMPOSED not in found.result


def test_what_is_within_max_dist_alone_is_answered(house: House) -> None:
    feedback = Feedback(likes(7, 37))
    whole = recommend(house).nearest(feedback, WIDE)
    near = recommend(house).nearest(feedback, replace(WIDE, max_dist=whole.dist[3]))
    assert near.result == whole.result[:4]


def test_examples_that_are_none_are_named(house: House) -> None:
    with pytest.raises(UnknownImage, match="nobody"):
        recommend(house).nearest(Feedback(likes(7, "nobody")), TEN)
    with house.catalogue.database.writing() as connection:
        connection.execute(delete(features).where(features.c.seq == 1))
    with pytest.raises(FeaturesMissing, match="features of 1 yet"):
        recommend(house).nearest(Feedback(likes(7, 1)), TEN)


def test_without_an_index_there_is_nothing(house: House) -> None:
    house.generations.folder.rename(house.generations.folder.with_name("away"))
    with pytest.raises(NoIndex):
        recommend(house).nearest(Feedback(likes(7)), TEN)
