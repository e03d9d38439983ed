"""Rules of the index that only an unlucky moment would show, on forty images."""

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sidecar.catalogue import NewImage
from sidecar.errors import IndexDamaged
from sidecar.index import GenerationStore, SearchRequest, rank
from tests.support.house import House, vector

FILES = ("trained.faiss", "lists.ivf", "truth.npz", "seqs.i64", "crcs.u32", "meta.json")
FEATURES = "features-1.f16"


def small(folder: Path) -> House:
    house = House(folder)
    house.trainer = replace(house.trainer, fewest_samples=1)
    return house


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    house = small(folder)
    house.add(1, 40)
    house.run("train")
    house.catalogue.close()
    return folder


@pytest.fixture
def house(folder: Path, tmp_path: Path) -> Iterator[House]:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    house = small(tmp_path)
    yield house
    house.catalogue.close()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_is_noticed_when_a_generation_is_opened(house: House, name: str) -> None:
    flip(house.generations.path(1) / name)
    with pytest.raises(IndexDamaged, match="000001"):
        house.generations.open(house.generations.path(1))


def test_a_flipped_bit_of_the_features_is_noticed_when_they_are_used(house: House) -> None:
    flip(house.generations.path(1) / FEATURES)
    generation = house.generations.open(house.generations.path(1))
    with pytest.raises(IndexDamaged, match="not what was stored"):
        generation.segments.features(generation.segments.seqs)
    assert [sentence.split(": ")[1] for sentence in generation.damage()] == [
        f"{FEATURES} is not what was written"
    ]


@pytest.mark.parametrize("name", [*FILES, FEATURES])
def test_a_file_that_is_cut_short_is_noticed_when_a_generation_is_opened(
    house: House, name: str
) -> None:
    path = house.generations.path(1) / name
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(IndexDamaged, match="000001"):
        house.generations.open(house.generations.path(1))


def test_of_images_at_the_same_distance_the_older_comes_first(house: House) -> None:
    copies = [
        NewImage(f"copy-{n}", "sha", b"jpeg", {house.model: vector(7)}) for n in (3, 1, 2, 5, 4)
    ]
    house.catalogue.adds.add_all(copies)
    house.run("update")
    seqs, dist = rank(house.generations.current(), vector(7), SearchRequest(6, 5, math.inf))
    assert seqs.tolist() == [7, 41, 42, 43, 44, 45]
    assert np.all(dist < 1e-5)


def test_a_process_that_searches_on_forgets_no_removal(house: House) -> None:
    """Each search has to look again; the next one must know what this one learnt."""
    search, wanted = house.search(), SearchRequest(5, 100, 4.0)
    left = set(range(2, 41))
    for _ in range(8):
        near = sorted(left, key=lambda n: float(np.square(vector(1) - vector(n)).sum()))
        assert list(map(int, search.nearest_to("1", wanted).result)) == near[:5]
        house.remove(near[0])
        left.remove(near[0])


def test_a_draft_that_was_given_up_is_never_taken_for_what_was_published(house: House) -> None:
    reader = GenerationStore(house.generations.folder)
    in_use = house.catalogue.models.in_use()
    assert in_use is not None
    task = house.claim("train")
    with house.trainer.drafting(task):
        house.trainer.draft_training(task, in_use, lambda phase, progress: None)
        given_up = reader.upcoming()
        assert given_up is not None
    house.catalogue.tasks.cancel(task.task_id)
    house.add(41, 41)
    house.run("update")
    assert reader.current().meta.images == 41
    assert reader.upcoming() is None


def test_as_many_generations_stay_as_are_to_be_kept_and_the_one_before_can_answer(
    house: House,
) -> None:
    for last in range(41, 46):
        house.add(last, last)
        house.run("update")
    assert house.generations.numbers() == [5, 6]
    shutil.rmtree(house.generations.path(6))
    assert house.search().nearest_to("1", SearchRequest(1, 5, math.inf)).generation == 5
