"""What goes on, and what is removed, while the catalogue's volume is full."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from sidecar.catalogue import Catalogue, NewImage, Task, TaskKind, open_catalogue
from sidecar.catalogue.dialects import sqlite
from sidecar.catalogue.dialects.sqlite import PRAGMAS
from sidecar.errors import StorageFull
from sidecar.settings import from_environment
from sidecar.tasks import heartbeat, runner
from sidecar.tasks.heartbeat import Heartbeat
from tests.support.databases import new_file
from tests.support.small_volume import NEEDS_ROOT, filled, small_volume, without_room

pytestmark = NEEDS_ROOT

MEBIBYTE = 1 << 20
JPEG = np.random.default_rng(1).bytes(100_000)
SOON_S = 20.0


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    with small_volume(tmp_path / "volume", 32) as folder:
        yield folder


@pytest.fixture
def catalogue(volume: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    """On a volume of an eighth of the smallest that keeps 64 MiB, its log is as much shorter."""
    pragmas = (pragma.replace("autocheckpoint=4000", "autocheckpoint=500") for pragma in PRAGMAS)
    monkeypatch.setattr(sqlite, "PRAGMAS", tuple(pragmas))
    catalogue = open_catalogue(new_file(volume), 1.0)
    catalogue.models.adopt(1, "a" * 64, 8)
    yield catalogue
    catalogue.close()


def claimed(catalogue: Catalogue) -> Task:
    task = catalogue.tasks.claim(catalogue.tasks.request(TaskKind.TRAIN).task_id)
    assert task is not None
    return task


def add(catalogue: Catalogue, name: str) -> None:
    model = catalogue.models.in_use()
    assert model is not None
    features = {model: np.full(8, 0.125, np.float32)}
    [added] = catalogue.adds.add_all([NewImage(name, "sha", JPEG, features)])
    assert isinstance(added, int)


def fill_with_images(catalogue: Catalogue) -> int:
    """Adds until the volume is full; returns how many images there are."""
    for number in range(1000):
        try:
            add(catalogue, f"{number}")
        except StorageFull:
            return number
    raise AssertionError("the volume was never full")


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def lease(catalogue: Catalogue, task: Task) -> float:
    until = catalogue.tasks.get(task.task_id).lease_until
    assert until is not None
    return until


def test_a_heartbeat_outlives_a_full_volume(
    volume: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL_S", 0.05)
    task = claimed(catalogue)
    with Heartbeat(catalogue.tasks, task) as beating:
        with without_room(volume):
            wait(lambda: lease(catalogue, task) < time.time())  # none can be written any more
            full = lease(catalogue, task)
            with pytest.raises(StorageFull):
                catalogue.tasks.deliverable()  # nor can the task be given to another
        wait(lambda: catalogue.tasks.deliverable() == [] and lease(catalogue, task) > full)
        beating.report("adding", 0.5)  # else TaskLost
    assert catalogue.tasks.get(task.task_id).attempt == 1


def test_the_end_of_a_task_is_written_when_there_is_room_again(
    volume: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY_S", 0.05)
    settings = from_environment(data_dir=volume)
    task = claimed(catalogue)
    run = threading.Thread(target=runner._run_claimed, args=(task, catalogue, settings))
    with without_room(volume):
        with pytest.raises(StorageFull):
            catalogue.tasks.request(TaskKind.UPDATE)
        run.start()
        time.sleep(1.0)
        assert run.is_alive()
        assert catalogue.tasks.get(task.task_id).state == "running"
    run.join(SOON_S)
    ended = catalogue.tasks.get(task.task_id)
    assert (ended.state, ended.message) == ("error", "no samples")


def test_images_are_removed_from_a_full_volume_and_make_room(
    volume: Path, catalogue: Catalogue
) -> None:
    catalogue.keep_reserve()
    images = fill_with_images(catalogue)
    with filled(volume, 0):
        with pytest.raises(StorageFull):
            add(catalogue, "one-more")
        for number in range(images - 5):
            catalogue.removals.remove(f"{number}")
            if number < 3:
                with suppress(StorageFull):  # what is kept for removals, no add takes
                    for again in range(5):
                        add(catalogue, f"{number}-{again}")
        assert [name for _, name in catalogue.images.page(0, 999) if "-" not in name] == [
            f"{number}" for number in range(images - 5, images)
        ]
        assert list(catalogue.problems()) == []
        add(catalogue, "one-more")  # in the room of those that went


def test_a_heartbeat_and_a_cancellation_take_from_what_is_kept(
    volume: Path, catalogue: Catalogue
) -> None:
    catalogue.keep_reserve()
    task = claimed(catalogue)
    with filled(volume, 0):
        with pytest.raises(StorageFull):
            for _ in range(100):
                catalogue.tasks.request(TaskKind.UPGRADE, _)
        catalogue.tasks.renew(task, "adding", 0.5)
        assert catalogue.tasks.get(task.task_id).progress == 0.5
        assert catalogue.tasks.cancel(task.task_id).state == "cancelled"


def test_without_room_none_is_kept_and_nothing_else_changes(
    volume: Path, catalogue: Catalogue
) -> None:
    with filled(volume, MEBIBYTE):
        catalogue.keep_reserve()
        with pytest.raises(StorageFull):
            for number in range(50):
                add(catalogue, f"{number}")
    add(catalogue, "later")
