"""What is durable: images with their features, models, and tasks."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sidecar.catalogue import Catalogue, NewImage, Published, open_catalogue
from sidecar.errors import (
    CatalogueUnavailable,
    DuplicateId,
    ModelRefused,
    NeedMoreSamples,
    TaskFinished,
    TaskLost,
    UnknownTask,
)

LEASE_S = 30.0


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", LEASE_S)
    yield catalogue
    catalogue.database.close()


def image(number: int, model: int = 1, image_id: str | None = None) -> NewImage:
    features = np.full(8, number, np.float32)
    return NewImage(image_id or f"id-{number}", f"sha-{number}", b"jpeg", model, features)


def test_an_added_image_is_there_after_reopening(catalogue: Catalogue, tmp_path: Path) -> None:
    seq = catalogue.entries.add(image(3))
    again = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", LEASE_S)
    assert again.entries.ids_of([seq]) == {seq: "id-3"}
    assert again.entries.jpeg("id-3") == b"jpeg"
    [(seqs, features)] = again.entries.stream(1, 0, seq)
    assert seqs.tolist() == [seq]
    assert features.tolist() == [[3.0] * 8]
    again.database.close()


def test_an_id_in_use_is_refused_and_nothing_changes(catalogue: Catalogue) -> None:
    seq = catalogue.entries.add(image(1, image_id="cat"))
    with pytest.raises(DuplicateId) as clash:
        catalogue.entries.add(image(2, image_id="cat"))
    assert clash.value.identical is False
    with pytest.raises(DuplicateId) as retry:
        catalogue.entries.add(image(1, image_id="cat"))
    assert retry.value.identical is True
    [(seqs, features)] = catalogue.entries.stream(1, 0, 100)
    assert (seqs.tolist(), features[0, 0]) == ([seq], 1.0)


def test_of_fifty_adds_of_one_id_at_once_exactly_one_wins(catalogue: Catalogue) -> None:
    def add(number: int) -> bool:
        try:
            catalogue.entries.add(image(number, image_id="same"))
        except DuplicateId:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(add, range(50))) == 1
    assert catalogue.entries.count(1) == 1


def test_concurrent_adds_all_arrive_in_order(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(50) as pool:
        seqs = list(pool.map(lambda n: catalogue.entries.add(image(n)), range(400)))
    assert sorted(seqs) == list(range(1, 401))
    by_seq = dict(zip(seqs, range(400), strict=True))
    pages = list(catalogue.entries.stream(1, 0, 400, page=64))
    read = {int(s): float(v[0]) for page in pages for s, v in zip(*page, strict=True)}
    assert read == {seq: float(number) for seq, number in by_seq.items()}
    assert list(read) == sorted(read)


def test_a_stream_keeps_to_its_bounds_and_its_model(catalogue: Catalogue) -> None:
    for number in range(1, 7):
        catalogue.entries.add(image(number, model=1 + number % 2))
    pages = list(catalogue.entries.stream(1, after=2, up_to=5))
    assert [seqs.tolist() for seqs, _ in pages] == [[4]]
    assert catalogue.entries.count(2, up_to=3) == 2


def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").write_bytes(b"this is no database" * 100)
    with pytest.raises(CatalogueUnavailable, match="not a database"):
        open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", LEASE_S)


def test_the_first_model_stays_in_use(catalogue: Catalogue) -> None:
    first = catalogue.models.adopt(1, "a" * 64, 1280)
    assert catalogue.models.adopt(1, "a" * 64, 1280) == first
    assert catalogue.models.in_use() == first
    assert catalogue.models.get("a" * 64) == first


def test_another_file_under_the_same_number_is_refused_once_it_has_features(
    catalogue: Catalogue,
) -> None:
    catalogue.models.adopt(1, "a" * 64, 1280)
    replaced = catalogue.models.adopt(1, "b" * 64, 640)
    assert (replaced.sha256, replaced.dimension) == ("b" * 64, 640)
    catalogue.entries.add(image(1, model=replaced.model))
    with pytest.raises(ModelRefused, match="not the model that the catalogue was made with"):
        catalogue.models.adopt(1, "c" * 64, 1280)


def test_requests_join_the_waiting_task_of_their_kind(catalogue: Catalogue) -> None:
    train = catalogue.tasks.request("train")
    assert catalogue.tasks.request("train").task_id == train.task_id
    assert catalogue.tasks.request("update").task_id != train.task_id


def test_a_request_after_the_snapshot_gets_a_follow_up(catalogue: Catalogue) -> None:
    catalogue.entries.add(image(1))
    first = catalogue.tasks.request("train")
    claimed = catalogue.tasks.claim(first.task_id)
    assert claimed is not None
    assert (claimed.snapshot, claimed.attempt, claimed.state) == (1, 1, "running")
    catalogue.entries.add(image(2))
    follow_up = catalogue.tasks.request("train")
    assert follow_up.task_id != first.task_id
    assert catalogue.tasks.claim(follow_up.task_id) is None  # one at a time
    assert catalogue.tasks.deliverable() == []
    catalogue.tasks.publish(claimed, lambda: Published(1, 1))
    assert [task.task_id for task in catalogue.tasks.deliverable()] == [follow_up.task_id]
    second = catalogue.tasks.claim(follow_up.task_id)
    assert second is not None
    assert second.snapshot == 2


def test_a_published_task_tells_what_it_made(catalogue: Catalogue) -> None:
    task = catalogue.tasks.claim(catalogue.tasks.request("train").task_id)
    assert task is not None
    catalogue.tasks.renew(task, "adding", 0.5)
    assert catalogue.tasks.get(task.task_id).progress == 0.5
    catalogue.tasks.publish(task, lambda: Published(7, 1200))
    done = catalogue.tasks.get(task.task_id)
    assert (done.state, done.generation, done.images, done.progress) == ("ok", 7, 1200, 1.0)


def test_a_refused_request_has_its_error_as_its_status(catalogue: Catalogue) -> None:
    task = catalogue.tasks.refuse("train", NeedMoreSamples("there are 3"))
    kept = catalogue.tasks.get(task.task_id)
    assert (kept.state, kept.message, kept.detail) == ("error", "need more samples", "there are 3")


def test_a_cancelled_task_publishes_nothing(catalogue: Catalogue) -> None:
    task = catalogue.tasks.claim(catalogue.tasks.request("train").task_id)
    assert task is not None
    catalogue.tasks.cancel(task.task_id)
    with pytest.raises(TaskLost):
        catalogue.tasks.renew(task, "adding", 0.5)
    with pytest.raises(TaskLost):
        catalogue.tasks.publish(task, lambda: pytest.fail("published all the same"))
    with pytest.raises(TaskFinished):
        catalogue.tasks.cancel(task.task_id)
    assert catalogue.tasks.get(task.task_id).state == "cancelled"


def test_unknown_tasks_are_unknown(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownTask):
        catalogue.tasks.get("nonsense")
    with pytest.raises(UnknownTask):
        catalogue.tasks.cancel("nonsense")


def test_a_silent_worker_is_succeeded_and_can_no_longer_publish(tmp_path: Path) -> None:
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite", lease_s=0.05)
    task_id = catalogue.tasks.request("train").task_id
    first = catalogue.tasks.claim(task_id)
    assert first is not None
    time.sleep(0.1)
    assert [task.task_id for task in catalogue.tasks.deliverable()] == [task_id]
    second = catalogue.tasks.claim(task_id)
    assert second is not None
    assert second.attempt == 2
    with pytest.raises(TaskLost):
        catalogue.tasks.publish(first, lambda: pytest.fail("a zombie published"))
    catalogue.tasks.publish(second, lambda: Published(1, 1))
    catalogue.database.close()


def test_a_task_that_loses_its_worker_three_times_is_given_up(catalogue: Catalogue) -> None:
    task_id = catalogue.tasks.request("train").task_id
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
        catalogue.entries.add(image(number))
    stream = catalogue.entries.stream(1, 0, 20, page=5)
    next(stream)
    adding = threading.Thread(target=lambda: catalogue.entries.add(image(99)))
    adding.start()
    adding.join(10)
    assert not adding.is_alive()
    assert sum(len(seqs) for seqs, _ in stream) == 15
