"""What every engine of the index does: the same is true of files on this host and of Milvus."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sidecar.catalogue import TaskKind
from sidecar.errors import NoIndex, TaskLost
from sidecar.fields import parse_filter
from sidecar.index import Generation, SearchRequest, rank, rank_each
from sidecar.index.ann import ExcludeIds
from sidecar.index.nprob import RECALL_TARGETS
from tests.support.house import SHA256, TEN, House, vector

COUNT = 1500
ALL = SearchRequest(1000, 100, math.inf)


@pytest.fixture(scope="module")
def built(
    index_engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("engine"), engine=index_engine)
    house.add(1, COUNT, said=lambda n: {"odd": n % 2, "hundred": n // 100, "rare": n % 300 == 0})
    house.run("train")
    yield house
    house.catalogue.close()


@pytest.fixture
def fresh(index_engine: dict[str, str], tmp_path: Path) -> Iterator[House]:
    """A house of a test's own, which it may do with as it likes."""
    house = House(tmp_path, engine=index_engine)
    house.trainer = replace(house.trainer, fewest_samples=1)
    house.add(1, 300)
    house.run("train")
    yield house
    house.catalogue.close()


def exact(number: int, among: np.ndarray) -> np.ndarray:
    """The squared distances of an image to others, from full features."""
    every = np.stack([vector(n) for n in among.tolist()]).astype(np.float16).astype(np.float32)
    found: np.ndarray = np.square(every - vector(number)).sum(axis=1)
    return found


def test_each_image_finds_itself_and_its_neighbours_at_exact_distances(built: House) -> None:
    generation, everything = built.generations.current(), np.arange(1, COUNT + 1)
    hits = 0
    for number in range(1, COUNT + 1, 50):
        far = exact(number, everything)
        seqs, dist = rank(generation, vector(number), TEN)
        assert (seqs[0], len(seqs)) == (number, 10)
        assert np.all(np.diff(dist) >= 0)
        assert np.allclose(dist, far[seqs - 1], atol=1e-5)
        hits += len(set(seqs.tolist()) & set((np.argsort(far)[:10] + 1).tolist()))
    assert hits >= 0.95 * 300


def test_many_queries_are_answered_as_each_alone(built: House) -> None:
    generation, numbers = built.generations.current(), [3, 500, 1499]
    queries = np.stack([vector(n) for n in numbers])
    together = rank_each(generation, queries, numbers, TEN)
    for number, (seqs, dist) in zip(numbers, together, strict=True):
        alone = rank(generation, vector(number), TEN, own_seq=number)
        assert seqs.tolist() == alone[0].tolist()
        assert np.array_equal(dist, alone[1])
        assert number not in seqs


def test_what_is_left_out_makes_room_for_others(built: House) -> None:
    generation = built.generations.current()
    nearest, _ = rank(generation, vector(7), replace(TEN, num_results=30))
    others, _ = rank(generation, vector(7), TEN, ExcludeIds(nearest[:20]))
    assert len(others) == 10
    assert not np.isin(others, nearest[:20]).any()


def test_as_many_are_found_as_are_asked_for_and_not_farther_than_asked(built: House) -> None:
    generation = built.generations.current()
    seqs, dist = rank(generation, vector(9), ALL)
    assert len(np.unique(seqs)) == 1000
    near, _ = rank(generation, vector(9), replace(ALL, max_dist=float(dist[4])))
    assert near.tolist() == seqs[:5].tolist()


@pytest.mark.parametrize(
    ("filter_", "number"), [('{"odd": 1}', 750), ('{"hundred": 7}', 100), ('{"rare": true}', 5)]
)
def test_a_filtered_search_finds_the_nearest_of_those_that_meet_it(
    built: House, filter_: str, number: int
) -> None:
    wanted = replace(TEN, nprob=100, wanted=parse_filter(filter_))
    found = built.search().nearest_of(vector(40), 1, wanted)
    meets = np.array([n for n in range(1, COUNT + 1) if eval_(filter_, n)])
    assert len(meets) == number
    true = meets[np.argsort(exact(40, meets))[:10]].tolist()
    assert len(found.seqs) == min(10, number)
    assert len(set(found.seqs) & set(true)) >= min(9, number)
    assert set(found.seqs) <= set(meets.tolist())


def eval_(filter_: str, n: int) -> bool:
    return {
        '{"odd": 1}': n % 2 == 1,
        '{"hundred": 7}': n // 100 == 7,
        '{"rare": true}': n % 300 == 0,
    }[filter_]


def test_the_order_by_likeness_and_the_probability_have_what_they_need(built: House) -> None:
    request = replace(TEN, similar=True, probability=True)
    found = built.search().nearest_to("8", request)
    assert len(found.result) == 10
    scores = [score for score in found.score or [] if score is not None]
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
    assert found.probability is not None


def test_recall_is_measured_for_every_promise(built: House) -> None:
    quality = built.generations.current().meta.quality
    points = quality.operating_points
    assert {point.nprob for point in points.points} == set(RECALL_TARGETS)
    for point in points.points:
        assert point.recall >= RECALL_TARGETS[point.nprob]
        assert 0 < point.at_least <= point.recall
    assert quality.training_due() == []


def test_the_features_are_those_that_were_stored(built: House) -> None:
    seqs = np.array([5, 1200, 7])
    features = built.generations.current().features(seqs)
    assert np.array_equal(features, np.stack([vector(n) for n in (5, 1200, 7)]).astype(np.float16))


def test_nothing_is_wrong_with_what_was_made(built: House) -> None:
    assert built.problems() == []


def test_an_update_takes_in_what_came_and_leaves_out_what_went(fresh: House) -> None:
    fresh.add(301, 340)
    fresh.remove(7, 8, 9)
    task = fresh.run("update")
    assert (task.generation, task.images) == (2, 337)
    generation = fresh.generations.current()
    assert rank(generation, vector(320), TEN)[0][0] == 320
    assert not np.isin([7, 8, 9], rank(generation, vector(7), ALL)[0]).any()
    assert generation.meta.quality.operating_points.at(5).recall >= 0.95
    assert fresh.problems() == []


def test_the_generation_before_answers_as_it_did_while_an_update_writes(fresh: House) -> None:
    before = fresh.generations.current()
    fresh.add(301, 340)
    fresh.run("update")
    seqs, _ = rank(before, vector(320), ALL)
    assert sorted(seqs.tolist()) == [*range(1, 301)]


def test_a_removed_image_is_found_by_no_search(fresh: House) -> None:
    near = fresh.nearest(11)
    fresh.remove(*map(int, near[:6]))
    left = fresh.nearest(11)
    assert left[:4] == near[6:]
    assert len(left) == 10


def test_what_came_since_is_found_beside_the_generation(fresh: House) -> None:
    fresh.add(301, 301)
    found = fresh.search(live=100).nearest_of(vector(301), 1, TEN)
    assert (found.result[0], found.unindexed) == ("301", 1)


def test_an_update_of_nothing_publishes_nothing(fresh: House) -> None:
    assert fresh.run("update").generation == 1


def test_what_a_lost_update_has_left_hurts_no_search_and_goes_with_the_next(fresh: House) -> None:
    fresh.add(301, 340)
    task = fresh.claim("update")

    def lost(phase: str, progress: float) -> None:
        if phase != "reading":
            raise TaskLost("cancelled")

    with pytest.raises(TaskLost):
        fresh.trainer.run(task, lost)
    fresh.catalogue.tasks.cancel(task.task_id)
    assert sorted(map(int, fresh.search().nearest_of(vector(320), 1, ALL).result)) == [
        *range(1, 301)
    ]
    fresh.remove(320, 321)
    assert fresh.problems() == []
    assert fresh.run("update").images == 338
    assert fresh.problems() == []


def test_a_training_makes_all_of_it_afresh(fresh: House) -> None:
    fresh.add(301, 310)
    assert fresh.run("train").images == 310
    assert fresh.run("train").generation == 3
    assert fresh.problems() == []
    assert rank(fresh.generations.current(), vector(305), TEN)[0][0] == 305


def test_a_generation_of_another_model_stays_until_that_is_retired(fresh: House) -> None:
    fresh.trainer.discard("b" * 64)
    assert fresh.generations.newest_of(SHA256) is not None
    fresh.trainer.discard(SHA256)
    assert fresh.generations.newest_of(SHA256) is None


def test_the_index_can_be_dropped(fresh: House) -> None:
    fresh.remove(*range(1, 301))
    task = fresh.claim(TaskKind.TRAIN)
    fresh.trainer.drop(task)
    with pytest.raises(NoIndex):
        fresh.generations.current()


def test_a_copied_folder_opens_alike(built: House, tmp_path: Path) -> None:
    current = built.generations.current()
    shutil.copytree(current.folder, tmp_path / "000001")
    again = Generation(tmp_path / "000001", built.engine)
    assert rank(again, vector(5), TEN)[0].tolist() == rank(current, vector(5), TEN)[0].tolist()
