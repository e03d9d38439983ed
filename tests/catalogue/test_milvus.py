"""What is true of the engine of Milvus alone; `test_index_engines` has what is true of both."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from local.ports import free_ports
from sidecar.errors import IndexDamaged, IndexEngineUnavailable
from sidecar.fields import parse_filter
from sidecar.index import rank
from sidecar.index.milvus import among
from sidecar.index.milvus.engine import MilvusEngine
from sidecar.index.milvus.server import Server
from tests.support.house import TEN, House, vector

pytestmark = [pytest.mark.long, pytest.mark.release]

COUNT = 400


def house_in(folder: Path, settings: dict[str, str], exact_max: int = 0) -> House:
    house = House(folder, engine=settings, exact_max=exact_max)
    house.trainer = replace(house.trainer, fewest_samples=1)
    return house


@pytest.fixture
def house(milvus_server: dict[str, str], tmp_path: Path) -> Iterator[House]:
    house = house_in(tmp_path, milvus_server)
    house.add(1, COUNT, said=lambda n: {"odd": n % 2})
    house.run("train")
    yield house
    house.catalogue.close()


def server_of(house: House) -> Server:
    assert isinstance(house.engine, MilvusEngine)
    return house.engine.server


def collection_of(house: House) -> str:
    collection = house.generations.current().meta.collection
    assert collection is not None
    return collection


def own_collections(house: House) -> list[str]:
    prefix = collection_of(house).split("_")[0]
    return [name for name in server_of(house).names() if name.startswith(prefix)]


@pytest.mark.parametrize("kind", ["HNSW", "IVF_FLAT", "IVF_SQ8"])
def test_with_each_index_distances_are_exact_and_promises_kept(
    milvus_server: dict[str, str], tmp_path: Path, kind: str
) -> None:
    house = house_in(tmp_path, milvus_server | {"MILVUS_INDEX": kind})
    house.add(1, 1200)
    house.run("train")
    generation = house.generations.current()
    stored = np.stack([vector(n) for n in range(1, 1201)]).astype(np.float16).astype(np.float32)
    seqs, dist = rank(generation, vector(5), TEN)
    assert np.allclose(dist, np.square(stored[seqs - 1] - vector(5)).sum(axis=1), atol=1e-5)
    assert server_of(house).kind(collection_of(house)) == kind
    assert generation.meta.quality.operating_points.below_target() == []
    house.catalogue.close()


def test_few_images_are_all_compared(milvus_server: dict[str, str], tmp_path: Path) -> None:
    house = house_in(tmp_path, milvus_server, exact_max=100)
    house.add(1, 50)
    house.run("train")
    assert server_of(house).kind(collection_of(house)) == "FLAT"
    assert rank(house.generations.current(), vector(5), TEN)[0][0] == 5
    house.add(51, 60)
    assert house.run("update").images == 60
    assert house.problems() == []
    house.catalogue.close()


def test_an_index_of_the_local_engine_is_searched_until_a_task_moves_it(
    milvus_server: dict[str, str], tmp_path: Path
) -> None:
    local = house_in(tmp_path, {})
    local.add(1, COUNT)
    local.run("train")
    near = local.nearest(9)
    local.catalogue.close()
    house = house_in(tmp_path, milvus_server)
    assert house.generations.current().meta.collection is None
    assert house.nearest(9) == near
    house.add(COUNT + 1, COUNT + 1)
    assert house.run("update").images == COUNT + 1
    assert house.generations.current().meta.collection is not None
    assert house.nearest(9)[:3] == near[:3]
    house.catalogue.close()
    again = house_in(tmp_path, {})
    assert again.generations.current().number == 1  # the other one can't be opened
    assert again.run("train").generation == 3
    again.catalogue.close()


def test_rows_that_are_missing_changed_or_too_many_are_named_and_repaired(house: House) -> None:
    server, collection = server_of(house), collection_of(house)
    server.delete(collection, np.array([5, 6]))
    server.upsert(collection, np.array([9000]), vector(1)[None].astype(np.float16))
    some = np.arange(10, COUNT + 1)
    server.upsert(collection, some, np.stack([vector(1)] * len(some)).astype(np.float16))
    server.caught_up(collection)
    [lacks, many, other] = house.problems()
    assert "lacks images: 2 (number 5, 6…)" in lacks
    assert "has images of no generation" in many
    assert "9000" in many
    assert "has other features than the catalogue of images" in other
    house.trainer = replace(house.trainer, keep_generations=1)  # as `repair` does
    house.run("train")
    assert house.problems() == []
    assert house.nearest(9)


def test_a_collection_that_is_gone_is_damage_and_a_training_mends_it(house: House) -> None:
    search = house.search()
    search.nearest_to("5", TEN)
    server_of(house).drop(collection_of(house))
    with pytest.raises(IndexDamaged, match="not found"):
        search.nearest_to("5", TEN)
    assert any("not found" in problem for problem in house.problems())
    house.run("train")
    assert search.nearest_to("5", TEN).generation == 2


def test_a_catalogue_that_went_back_does_not_search_what_was_changed_since(house: House) -> None:
    server_of(house).set_mark(collection_of(house), "of a task that is lost")
    with pytest.raises(IndexDamaged, match="does not know: train again"):
        house.search().nearest_to("5", TEN)


def test_collections_that_no_generation_names_go_and_those_of_others_stay(
    house: House, milvus_server: dict[str, str], tmp_path: Path
) -> None:
    server = server_of(house)
    dead = f"{collection_of(house)}ff"
    server.create(dead, 8)
    (tmp_path / "other").mkdir()
    other = house_in(tmp_path / "other", milvus_server)  # whose catalogue is a copy
    other.add(1, 30)
    other.run("train")
    for _ in range(3):
        house.run("train")
    assert len(own_collections(house)) == 2  # KEEP_GENERATIONS
    assert own_collections(other) == [collection_of(other)]
    other.catalogue.close()


def test_with_an_index_store_collections_stay_as_long_as_its_rows(
    milvus_server: dict[str, str], tmp_path: Path
) -> None:
    house = House(tmp_path, engine=milvus_server, store=f"{tmp_path}/store")
    house.trainer = replace(house.trainer, fewest_samples=1)
    house.add(1, 60)
    for _ in range(3):
        house.run("train")
    house.add(61, 62)
    house.run("update")
    # Two generations, of which the second has updated the collection of the first.
    named = [meta.collection for meta in house.trainer.publisher.metas()]
    assert named == 2 * [collection_of(house)]
    assert own_collections(house) == [collection_of(house)]
    assert house.problems() == []
    house.catalogue.close()


@pytest.mark.parametrize(("named", "most"), [(50, 16_384), (50, 60)])
def test_where_more_meet_a_filter_than_can_be_named_none_is_missed(
    house: House, monkeypatch: pytest.MonkeyPatch, named: int, most: int
) -> None:
    """What Milvus finds is sifted; and where that is not enough, they are named part by part."""
    monkeypatch.setattr(among, "FEW", 10)
    monkeypatch.setattr(among, "NAMED", named)
    monkeypatch.setattr(among, "MOST_RESULTS", most)
    request = replace(TEN, num_results=40, nprob=100, wanted=parse_filter(json.dumps({"odd": 1})))
    found = house.search().nearest_of(vector(40), 1, request).seqs
    odd = np.arange(1, COUNT + 1, 2)
    far = np.square(np.stack([vector(n) for n in odd.tolist()]) - vector(40)).sum(axis=1)
    true = odd[np.argsort(far)[:40]].tolist()
    assert len(found) == 40
    assert len({*found} & {*true}) >= 38


def test_where_milvus_is_away_a_search_and_a_task_say_so(house: House) -> None:
    away = MilvusEngine(
        Server(replace(server_of(house).access, uri=f"http://127.0.0.1:{free_ports(1)[0]}")),
        house.catalogue,
        "HNSW",
    )
    house.engine = house.generations.engine = away
    with pytest.raises(IndexEngineUnavailable, match="http://127"):
        house.search().nearest_to("5", TEN)
    with pytest.raises(IndexEngineUnavailable):
        house.run("train")
