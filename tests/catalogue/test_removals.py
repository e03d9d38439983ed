"""What is removed is gone from the next search on, and from the index at the next update."""

from pathlib import Path

import numpy as np
import pytest

from sidecar.catalogue import NewImage
from sidecar.errors import FeaturesMissing, NoIndex, UnknownImage
from sidecar.index import GenerationStore, SearchRequest
from sidecar.index.local.draft import SEGMENT_ROWS
from tests.support.house import TEN, House, vector

EVERYTHING = SearchRequest(num_results=1000, nprob=100, max_dist=4.0)


def build(house: House) -> None:
    """1,040 images in five segments, indexed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sidecar.index.local.draft.SEGMENT_ROWS", 256)
        patched.setattr("sidecar.catalogue.dialects.postgresql.PostgreSQL.page_rows", 256)
        house.add(1, 1040)
        house.run("train")


def test_a_removed_image_is_gone_from_the_next_search_of_every_process(house: House) -> None:
    searches = [house.search(), house.search()]
    before = searches[0].nearest_to("7", TEN).result
    house.remove(*map(int, before[:3]))
    for search in searches:
        after = search.nearest_to("7", TEN).result
        assert after[:7] == before[3:]
        assert len(after) == 10
    with pytest.raises(UnknownImage):
        searches[0].nearest_to(before[0], TEN)


def test_an_overwritten_image_is_no_longer_found_by_what_it_was(house: House) -> None:
    search = house.search()
    nearest = int(search.nearest_to("7", TEN).result[0])
    house.add(nearest, nearest, overwrite=True)
    assert f"{nearest}" not in search.nearest_to("7", EVERYTHING).result
    house.run("update")
    assert house.nearest(7)[0] == f"{nearest}"
    assert house.problems() == []


def test_an_update_rewrites_only_the_segments_that_lose_an_image(house: House) -> None:
    old = house.generations.current()
    assert list(old.meta.segments) == [f"features-{n}.f16" for n in (1, 257, 513, 769, 1025)]
    house.remove(1, 2, 600)
    assert house.run("update").images == 1037
    new = house.generations.current()
    assert new.meta.segments == {
        "features-3.f16": 254,
        "features-257.f16": 256,
        "features-513.f16": 255,
        "features-769.f16": 256,
        "features-1025.f16": 16,
    }
    for name in ("features-257.f16", "features-769.f16", "features-1025.f16"):
        assert (new.folder / name).samefile(old.folder / name)
    assert not (new.folder / "features-513.f16").samefile(old.folder / "features-513.f16")
    assert house.problems() == []
    near = sorted(range(4, 1041), key=lambda n: distance(3, n))
    assert house.nearest(3, SearchRequest(20, 100, 4.0)) == [str(n) for n in near if n != 600][:20]


def distance(one: int, other: int) -> float:
    return float(np.square(vector(one) - vector(other)).sum())


def test_a_segment_that_loses_all_its_images_goes(house: House) -> None:
    house.remove(*range(1025, 1041))
    house.run("update")
    assert "features-1025.f16" not in house.generations.current().meta.segments
    assert house.problems() == []


def test_removals_are_forgotten_when_no_generation_holds_their_images(house: House) -> None:
    house.remove(5, 6)
    house.run("update")
    assert house.catalogue.removals.since(0).seqs == [5, 6]  # the generation before has them still
    house.add(2000, 2000)
    house.run("update")
    assert house.catalogue.removals.since(0).seqs == []
    assert house.problems() == []


def test_a_fall_back_to_the_generation_before_brings_nothing_back(house: House) -> None:
    gone = int(house.nearest(7)[0])
    house.remove(gone)
    house.run("update")
    (house.generations.path(2) / "lists.ivf").unlink()
    search = house.search()
    found = search.nearest_to("7", EVERYTHING)
    assert found.generation == 1
    assert f"{gone}" not in found.result


def test_an_image_may_be_removed_before_it_was_ever_indexed(house: House) -> None:
    house.add(2000, 2002)
    house.remove(2001)
    house.run("update")
    assert house.problems() == []
    assert house.generations.current().meta.images == 1042


def test_a_removal_during_a_training_counts(house: House) -> None:
    task = house.claim("train")
    gone: list[str] = []

    def remove_one(phase: str, progress: float) -> None:
        if phase == "adding" and not gone:
            gone.append(house.nearest(7)[0])
            house.remove(int(gone[0]))

    house.trainer.run(task, remove_one)
    assert house.generations.current().number == 2
    assert gone[0] not in house.nearest(7, EVERYTHING)
    assert house.problems() == []
    house.run("update")
    assert house.generations.current().meta.images == 1039
    assert house.problems() == []


def test_all_images_may_be_removed(house: House) -> None:
    house.remove(*range(1, 1041))
    house.add(5000, 5000)
    assert house.nearest(5000) == []
    assert house.run("update").images == 1
    assert house.nearest(5000) == []
    house.remove(5000)
    house.run("update")
    house.add(5001, 5002)
    house.run("update")
    assert house.nearest(5001, EVERYTHING) == ["5002"]
    assert house.problems() == []


def test_a_stored_image_without_features_or_index_is_refused(house: House, tmp_path: Path) -> None:
    with house.catalogue.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM features WHERE seq = 9")
    with pytest.raises(FeaturesMissing):
        house.nearest(9)
    [problem] = [p for p in house.problems() if "missing" in p]
    assert problem == "the features of 9 by the model in use are missing"
    (tmp_path / "index" / "CURRENT").unlink()
    with pytest.raises(NoIndex):
        house.nearest(8)
    assert GenerationStore(tmp_path / "index").numbers() == [1]


def test_after_the_next_update_no_byte_of_a_removed_image_is_in_the_files(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add(1, 1000)
    marks = {"id": "a-telling-name", "jpeg": "telling pixels", "upload": "a telling upload"}
    secret = NewImage(
        marks["id"],
        "sha",
        100 * marks["jpeg"].encode(),
        {house.model: vector(7777)},
        original=10_000 * marks["upload"].encode(),
    )
    house.catalogue.adds.add(secret)
    house.run("train")
    features = vector(7777).astype("<f2").tobytes()
    everything = [*(mark.encode() for mark in marks.values()), features]
    assert all(any(mark in file for file in files(tmp_path)) for mark in everything)
    house.catalogue.removals.remove(marks["id"])
    house.run("update")
    house.add(2000, 2000)
    house.run("update")  # the generation before, which is kept, had its features
    assert not any(mark in file for file in files(tmp_path) for mark in everything)
    house.catalogue.close()


def files(folder: Path) -> list[bytes]:
    """What is in every file of a volume."""
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_segments_are_small_enough_to_rewrite() -> None:
    assert SEGMENT_ROWS * 1280 * 2 < 200_000_000
