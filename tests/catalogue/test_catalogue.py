"""What is durable: images with their features, models, and tasks; the same in every database."""

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Table, insert, select, update

from sidecar.catalogue import Catalogue, ModelRecord, NewImage, TaskKind, Upload, open_catalogue
from sidecar.catalogue.schema import features, images, models, originals, pictures
from sidecar.errors import (
    CatalogueDamaged,
    CatalogueUnavailable,
    DuplicateId,
    ModelRefused,
    NeedMoreSamples,
    TaskFinished,
    TaskLost,
    UnknownImage,
    UnknownTask,
)
from sidecar.files import in_turn
from sidecar.telemetry.counters import REGISTRY

LEASE_S = 30.0
LARGEST = 2**63 - 1  # sequence number


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    """An empty catalogue with two models, one in SQLite and one in PostgreSQL."""
    catalogue = open_catalogue(catalogue_url, LEASE_S)
    catalogue.models.adopt(1, "a" * 64, 8)
    with catalogue.database.writing() as connection:
        row = {"version": 2, "sha256": "b" * 64, "dimension": 8, "in_use": False}
        connection.execute(insert(models), row)
    yield catalogue
    catalogue.close()


FIRST, SECOND = ModelRecord(1, 1, "a" * 64, 8), ModelRecord(2, 2, "b" * 64, 8)


def image(
    number: int, model: ModelRecord = FIRST, image_id: str | None = None, **more: Any
) -> NewImage:
    features = np.full(8, number, np.float32)
    name = image_id or f"id-{number}"
    return NewImage(name, f"sha-{number}", f"jpeg {number}".encode(), {model: features}, **more)


def stored(catalogue: Catalogue, model: int = 1) -> dict[int, float]:
    """The sequence number of each image with the one value that its features repeat."""
    pages = list(catalogue.features.stream(model, 0, 10**9, page=64))
    for page in pages:
        assert np.all(page.features == page.features[:, :1])
    return {int(s): float(v[0]) for p in pages for s, v in zip(p.seqs, p.features, strict=True)}


def test_an_added_image_is_there_after_reopening(catalogue: Catalogue) -> None:
    seq = catalogue.adds.add(image(3, original=b"the upload"))
    again = open_catalogue(catalogue.database.url, LEASE_S)
    assert again.images.ids_of([seq]) == {seq: "id-3"}
    assert again.images.jpeg("id-3") == b"jpeg 3"
    assert again.images.upload("id-3") == Upload("sha-3", b"the upload", kept=True)
    entry = again.images.get("id-3")
    assert (entry.seq, entry.sha256, entry.versions) == (seq, "sha-3", [1])
    assert abs(entry.added_at - time.time()) < 60
    assert stored(again) == {seq: 3.0}
    found = again.images.features("id-3", 1)
    assert found is not None
    assert (found[0], found[1].tolist()) == (seq, [3.0] * 8)
    assert again.images.features("id-3", 2) is None
    again.close()


def test_who_closes_a_file_waits_for_another_that_does_so_one_of_them_takes_the_log(
    tmp_path: Path,
) -> None:
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", LEASE_S)
    catalogue.models.adopt(1, "a" * 64, 8)
    closing = threading.Thread(target=catalogue.close)
    with in_turn(tmp_path):
        closing.start()
        closing.join(0.5)
        assert closing.is_alive()
        assert (tmp_path / "catalogue.sqlite-wal").exists()
    closing.join()
    assert not (tmp_path / "catalogue.sqlite-wal").exists()


def test_a_catalogue_whose_folder_is_gone_closes(tmp_path: Path) -> None:
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/gone/catalogue.sqlite", LEASE_S)
    catalogue.models.adopt(1, "a" * 64, 8)
    shutil.rmtree(tmp_path / "gone")
    catalogue.close()
    assert not (tmp_path / "gone").exists()


def test_an_id_in_use_is_refused_and_nothing_changes(catalogue: Catalogue) -> None:
    seq = catalogue.adds.add(image(1, image_id="cat"))
    with pytest.raises(DuplicateId) as clash:
        catalogue.adds.add(image(2, image_id="cat"))
    assert clash.value.identical is False
    with pytest.raises(DuplicateId) as retry:
        catalogue.adds.add(image(1, image_id="cat"))
    assert retry.value.identical is True
    assert stored(catalogue) == {seq: 1.0}


def test_of_fifty_adds_of_one_id_at_once_exactly_one_wins(catalogue: Catalogue) -> None:
    def add(number: int) -> bool:
        try:
            catalogue.adds.add(image(number, image_id="same"))
        except DuplicateId:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(add, range(50))) == 1
    assert catalogue.features.count(1) == 1


def test_concurrent_adds_all_arrive_in_order(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(50) as pool:
        seqs = list(pool.map(lambda n: catalogue.adds.add(image(n)), range(400)))
    assert sorted(seqs) == list(range(1, 401))
    by_seq = dict(zip(seqs, range(400), strict=True))
    read = stored(catalogue)
    assert read == {seq: float(number) for seq, number in by_seq.items()}
    assert list(read) == sorted(read)


def commits() -> tuple[float, float]:
    """How many there were in this process, and of how many images, as Prometheus scrapes them."""
    counted = (REGISTRY.get_sample_value(f"similarity_commit_images_{n}") for n in ("count", "sum"))
    count, images = (value or 0.0 for value in counted)
    return count, images


def test_concurrent_adds_share_commits(catalogue: Catalogue) -> None:
    count, images = commits()
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda n: catalogue.adds.add(image(n)), range(1000)))
    after = commits()
    assert after[1] - images == 1000
    assert 1000 / (after[0] - count) > 8


def test_an_add_that_fails_holds_up_none_of_the_others(catalogue: Catalogue) -> None:
    """The database refuses a row without a hash, and with it the commit that it is in."""

    def add(number: int) -> bool:
        new = image(number)
        if number % 40 == 7:
            new = replace(new, sha256=None)  # type: ignore[arg-type]
        try:
            catalogue.adds.add(new)
        except CatalogueUnavailable:
            return False
        return True

    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(add, range(200)))
    assert not any(told[7::40])
    assert 5 <= told.count(False) <= 100  # at most twenty share a commit
    names = {f"id-{number}" for number, well in enumerate(told) if well}
    assert {name for _, name in catalogue.images.page(0, 1000)} == names


def test_a_stream_keeps_to_its_bounds_and_its_model(catalogue: Catalogue) -> None:
    for number in range(1, 7):
        catalogue.adds.add(image(number))
    catalogue.features.store(SECOND, {seq: np.full(8, seq, np.float32) for seq in (1, 3, 5)})
    pages = list(catalogue.features.stream(1, after=2, up_to=5))
    assert [page.seqs.tolist() for page in pages] == [[3, 4, 5]]
    assert [page.seqs.tolist() for page in catalogue.features.stream(2, 1, 10)] == [[3, 5]]
    assert catalogue.features.count(2, up_to=3) == 2


def test_an_overwritten_image_is_another_one(catalogue: Catalogue) -> None:
    old = catalogue.adds.add(image(1, image_id="cat", original=b"old upload"))
    new = catalogue.adds.add(image(2, image_id="cat", overwrite=True))
    assert new > old
    assert stored(catalogue) == {new: 2.0}
    assert catalogue.images.jpeg("cat") == b"jpeg 2"
    assert catalogue.images.upload("cat") == Upload("sha-2", b"jpeg 2", kept=False)
    assert catalogue.removals.since(0).seqs == [old]
    fresh = catalogue.adds.add(image(3, image_id="dog", overwrite=True))
    assert stored(catalogue) == {new: 2.0, fresh: 3.0}


def test_of_fifty_overwrites_at_once_one_image_stays(catalogue: Catalogue) -> None:
    def overwrite(number: int) -> int:
        return catalogue.adds.add(image(number, image_id="same", overwrite=True))

    with ThreadPoolExecutor(50) as pool:
        seqs = list(pool.map(overwrite, range(50)))
    assert list(stored(catalogue)) == [max(seqs)]
    assert catalogue.images.get("same").seq == max(seqs)


def test_a_removed_image_leaves_a_tombstone_and_nothing_else(catalogue: Catalogue) -> None:
    first, second = (catalogue.adds.add(image(n, original=b"upload")) for n in (1, 2))
    catalogue.removals.remove("id-1")
    with pytest.raises(UnknownImage):
        catalogue.images.get("id-1")
    with pytest.raises(UnknownImage):
        catalogue.removals.remove("id-1")
    assert stored(catalogue) == {second: 2.0}
    assert catalogue.images.count() == 1
    removed = catalogue.removals.since(0)
    assert removed.seqs == [first]
    with catalogue.database.reading() as connection:
        for table in (images, pictures, originals, features):
            assert connection.execute(select(table.c.seq)).scalars().all() == [second]
    assert catalogue.removals.since(removed.last).seqs == []
    catalogue.removals.forget(removed.last)
    assert catalogue.removals.since(0).seqs == []


def test_no_number_is_used_twice(catalogue: Catalogue) -> None:
    first = catalogue.adds.add(image(1))
    catalogue.removals.remove("id-1")
    removal = catalogue.removals.since(0).last
    catalogue.removals.forget(removal)
    assert catalogue.adds.add(image(1)) > first
    catalogue.removals.remove("id-1")
    assert catalogue.removals.since(0).last > removal


def test_pages_of_ids_miss_none_and_repeat_none_while_others_add(catalogue: Catalogue) -> None:
    for number in range(60):
        catalogue.adds.add(image(number))
    stop = threading.Event()

    def add_more() -> None:
        for number in range(1000, 1500):
            if not stop.is_set():
                catalogue.adds.add(image(number))

    adding = threading.Thread(target=add_more)
    adding.start()
    seen: list[str] = []
    after = 0
    while len(seen) < 60:
        page = catalogue.images.page(after, 7)
        seen += [name for _, name in page]
        after = page[-1][0]
    stop.set()
    adding.join()
    assert seen[:60] == [f"id-{number}" for number in range(60)]


def test_pages_go_back_from_the_newest_image(catalogue: Catalogue) -> None:
    for number in range(7):
        catalogue.adds.add(image(number))
    catalogue.removals.remove("id-3")
    first = catalogue.images.page(LARGEST, 4, newest=True)
    assert [name for _, name in first] == ["id-6", "id-5", "id-4", "id-2"]
    catalogue.adds.add(image(7))
    following = catalogue.images.page(first[-1][0], 4, newest=True)
    assert [name for _, name in following] == ["id-1", "id-0"]
    assert catalogue.images.page(following[-1][0], 4, newest=True) == []


def test_a_number_that_is_seen_hides_no_smaller_one(catalogue: Catalogue) -> None:
    """Numbers are drawn before they are committed: none may appear below one that was read."""
    stop = threading.Event()
    seen: set[int] = set()
    late: list[int] = []

    def watch() -> None:
        while not stop.is_set():
            now = {seq for seq, _ in catalogue.images.page(0, 10_000)}
            late.extend(seq for seq in now - seen if seen and seq < max(seen))
            seen.update(now)

    watching = threading.Thread(target=watch)
    watching.start()
    others = [open_catalogue(catalogue.database.url, LEASE_S) for _ in range(3)]
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(lambda n: others[n % 3].adds.add(image(n)), range(600)))
    stop.set()
    watching.join()
    for other in others:
        other.close()
    assert late == []
    assert catalogue.images.count() == 600


@pytest.mark.parametrize(("table", "blob"), [(features, "vector"), (pictures, "jpeg")])
def test_a_flipped_byte_is_noticed_when_it_is_read(
    catalogue: Catalogue, table: Table, blob: str
) -> None:
    seq = catalogue.adds.add(image(1))
    with catalogue.database.writing() as connection:
        stored = connection.execute(select(table.c[blob])).scalar_one()
        flipped = bytes([stored[0] ^ 1]) + bytes(stored[1:])
        connection.execute(update(table).values({blob: flipped}))
    if table is pictures:
        with pytest.raises(CatalogueDamaged, match="id-1"):
            catalogue.images.jpeg("id-1")
    else:
        with pytest.raises(CatalogueDamaged, match=rf"\[{seq}\]"):
            list(catalogue.features.stream(1, 0, seq))
        with pytest.raises(CatalogueDamaged, match="id-1"):
            catalogue.images.features("id-1", 1)


def test_a_database_that_cannot_be_opened_is_reported(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(CatalogueUnavailable, match="not a database"):
        open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", LEASE_S)
    with pytest.raises(CatalogueUnavailable, match="refused"):
        open_catalogue("postgresql+psycopg://nobody@127.0.0.1:1/none", LEASE_S)
    with pytest.raises(CatalogueUnavailable, match="CATALOGUE_URL"):
        open_catalogue("mysql://127.0.0.1/none", LEASE_S)


def test_the_first_model_stays_in_use(catalogue_url: str) -> None:
    catalogue = open_catalogue(catalogue_url, LEASE_S)
    first = catalogue.models.adopt(1, "a" * 64, 1280)
    assert catalogue.models.adopt(1, "a" * 64, 1280) == first
    assert catalogue.models.in_use() == first
    assert catalogue.models.get("a" * 64) == first
    catalogue.close()


def test_another_file_under_the_same_number_is_refused_once_it_has_features(
    catalogue_url: str,
) -> None:
    catalogue = open_catalogue(catalogue_url, LEASE_S)
    catalogue.models.adopt(1, "a" * 64, 1280)
    replaced = catalogue.models.adopt(1, "b" * 64, 8)
    assert (replaced.sha256, replaced.dimension) == ("b" * 64, 8)
    catalogue.adds.add(image(1, model=replaced))
    with pytest.raises(ModelRefused, match="not the model that the catalogue was made with"):
        catalogue.models.adopt(1, "c" * 64, 1280)
    catalogue.close()


def test_requests_join_the_waiting_task_of_their_kind(catalogue: Catalogue) -> None:
    train = catalogue.tasks.request(TaskKind.TRAIN)
    assert catalogue.tasks.request(TaskKind.TRAIN).task_id == train.task_id
    assert catalogue.tasks.request(TaskKind.UPDATE).task_id != train.task_id


def test_a_request_after_the_snapshot_gets_a_follow_up(catalogue: Catalogue) -> None:
    catalogue.adds.add(image(1))
    first = catalogue.tasks.request(TaskKind.TRAIN)
    claimed = catalogue.tasks.claim(first.task_id)
    assert claimed is not None
    assert (claimed.snapshot, claimed.attempt, claimed.state) == (1, 1, "running")
    catalogue.adds.add(image(2))
    follow_up = catalogue.tasks.request(TaskKind.TRAIN)
    assert follow_up.task_id != first.task_id
    assert catalogue.tasks.claim(follow_up.task_id) is None  # one at a time
    assert catalogue.tasks.deliverable() == []
    with catalogue.tasks.publishing(claimed) as publication:
        publication.record(None, 1, 1)
    assert [task.task_id for task in catalogue.tasks.deliverable()] == [follow_up.task_id]
    second = catalogue.tasks.claim(follow_up.task_id)
    assert second is not None
    assert second.snapshot == 2


def test_a_published_task_tells_what_it_made(catalogue: Catalogue) -> None:
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.TRAIN).task_id)
    assert task is not None
    catalogue.tasks.renew(task, "adding", 0.5)
    assert catalogue.tasks.get(task.task_id).progress == 0.5
    with catalogue.tasks.publishing(task) as publication:
        publication.record(None, 7, 1200)
    done = catalogue.tasks.get(task.task_id)
    assert (done.state, done.generation, done.images, done.progress) == ("ok", 7, 1200, 1.0)


def test_a_refused_request_has_its_error_as_its_status(catalogue: Catalogue) -> None:
    task = catalogue.tasks.refuse(TaskKind.TRAIN, NeedMoreSamples("there are 3"))
    kept = catalogue.tasks.get(task.task_id)
    assert (kept.state, kept.message, kept.detail) == ("error", "need more samples", "there are 3")


def test_a_cancelled_task_publishes_nothing(catalogue: Catalogue) -> None:
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.TRAIN).task_id)
    assert task is not None
    catalogue.tasks.cancel(task.task_id)
    with pytest.raises(TaskLost):
        catalogue.tasks.renew(task, "adding", 0.5)
    with pytest.raises(TaskLost), catalogue.tasks.publishing(task):
        pytest.fail("published all the same")
    with pytest.raises(TaskFinished):
        catalogue.tasks.cancel(task.task_id)
    assert catalogue.tasks.get(task.task_id).state == "cancelled"


def test_unknown_tasks_are_unknown(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownTask):
        catalogue.tasks.get("nonsense")
    with pytest.raises(UnknownTask):
        catalogue.tasks.cancel("nonsense")


def test_a_silent_worker_is_succeeded_and_can_no_longer_publish(catalogue_url: str) -> None:
    catalogue = open_catalogue(catalogue_url, lease_s=0.05)
    task_id = catalogue.tasks.request(TaskKind.TRAIN).task_id
    first = catalogue.tasks.claim(task_id)
    assert first is not None
    time.sleep(0.1)
    assert [task.task_id for task in catalogue.tasks.deliverable()] == [task_id]
    second = catalogue.tasks.claim(task_id)
    assert second is not None
    assert second.attempt == 2
    with pytest.raises(TaskLost), catalogue.tasks.publishing(first):
        pytest.fail("a zombie published")
    with catalogue.tasks.publishing(second) as publication:
        publication.record(None, 1, 1)
    catalogue.close()


def test_a_task_that_loses_its_worker_three_times_is_given_up(catalogue: Catalogue) -> None:
    task_id = catalogue.tasks.request(TaskKind.TRAIN).task_id
    for attempt in (1, 2, 3):
        claimed = catalogue.tasks.claim(task_id)
        assert claimed is not None
        assert claimed.attempt == attempt
        catalogue.tasks.release(task_id)
    assert catalogue.tasks.deliverable() == []
    lost = catalogue.tasks.get(task_id)
    assert (lost.state, lost.message) == ("error", "worker_lost")


def test_adds_go_on_while_a_stream_is_read(catalogue: Catalogue) -> None:
    for number in range(20):
        catalogue.adds.add(image(number))
    stream = catalogue.features.stream(1, 0, 20, page=5)
    next(stream)
    adding = threading.Thread(target=lambda: catalogue.adds.add(image(99)))
    adding.start()
    adding.join(60)
    assert not adding.is_alive()
    assert sum(len(page.seqs) for page in stream) == 15
