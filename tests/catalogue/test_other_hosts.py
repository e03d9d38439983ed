"""What a host may do while others share its catalogue, and the way back to one host."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from sidecar.catalogue import Reader
from sidecar.catalogue.schema import readers
from sidecar.errors import BackupRefused
from sidecar.index.sharing.parts import Sharing
from sidecar.operations.backup import Backups
from sidecar.operations.other_hosts import Shared, check_gone, unshare
from sidecar.volume import host_name
from tests.support.databases import new_file
from tests.support.house import House
from tests.support.maintenance import command

OTHER = Reader("process", "other-ab12", generation=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a host that has published its first training, in a folder of objects."""
    folder = tmp_path_factory.mktemp("shared")
    house = House(folder, store=f"{folder}/store")
    house.add(1, 1000)
    house.run("train")
    house.catalogue.close()
    return folder


@pytest.fixture
def house(trained: Path, tmp_path: Path) -> Iterator[House]:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    house = House(tmp_path, store=f"{tmp_path}/store")
    yield house
    house.catalogue.close()


def appears(house: House) -> None:
    """Another host gives a life sign that stays young, however slow the machine is."""
    house.catalogue.readers.note(OTHER)
    with house.catalogue.database.writing() as connection:
        connection.execute(update(readers).values(seen_at=time.time() + 3600))


@pytest.mark.long
def test_a_restore_is_refused_while_another_host_gives_life_signs(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add(1, 3)
    Backups(house.catalogue, house.generations).backup(tmp_path / "copy", lambda *_: None)
    house.catalogue.close()
    house = House(tmp_path / "new")
    appears(house)
    refused = command(tmp_path / "new", "restore", str(tmp_path / "copy"))
    assert refused.returncode == 1
    assert refused.stderr == (
        "a sidecar runs on other-ab12: stop the sidecars and workers of all hosts first; one that "
        "was killed counts as gone 60 s later\n"
    )
    assert house.catalogue.images.count() == 0
    house.catalogue.readers.gone(OTHER.process)
    house.catalogue.readers.note(Reader("killed", host_name(tmp_path / "new"), 1))  # of this host
    house.catalogue.close()
    restored = command(tmp_path / "new", "restore", str(tmp_path / "copy"))
    assert restored.returncode == 0, restored.stderr


def test_who_is_alone_need_not_wait(house: House, tmp_path: Path) -> None:
    check_gone(house.catalogue, tmp_path)
    appears(house)
    with pytest.raises(BackupRefused, match="other-ab12"):
        check_gone(house.catalogue, tmp_path)


@pytest.mark.parametrize("word", ["serve", "worker", "repair", "backup"])
def test_a_host_without_the_store_is_refused_beside_a_shared_index(
    house: House, tmp_path: Path, word: str
) -> None:
    given = [f"{tmp_path}/copy"] if word == "backup" else []
    refused = command(tmp_path, word, *given)
    assert refused.returncode == 1, refused.stderr
    [*_, line] = refused.stderr.splitlines()
    assert line == (
        "INDEX_STORE is empty, and generation 1 of this catalogue's index is in an object store "
        "that several hosts share: set INDEX_STORE as on the others; or, to go back to one host, "
        "stop the others, and run `python -m sidecar unshare` with INDEX_STORE set"
    )
    assert not (tmp_path / "copy").exists()


@pytest.mark.release
@pytest.mark.long
def test_the_way_back_to_one_host(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two").mkdir()
    url = house.catalogue.database.url
    monkeypatch.setenv("CATALOGUE_URL", url)
    nearest = house.nearest(7)
    refused = command(tmp_path / "two", "unshare")
    assert refused.stderr == "INDEX_STORE is empty: leave it as it was until this has ended\n"
    monkeypatch.setenv("INDEX_STORE", f"{tmp_path}/store")
    appears(house)
    assert "a sidecar runs on other-ab12" in command(tmp_path / "two", "unshare").stderr
    house.catalogue.readers.gone(OTHER.process)
    running = house.claim("train")
    assert f"the task {running.task_id} is running" in command(tmp_path / "two", "unshare").stderr
    house.catalogue.tasks.cancel(running.task_id)
    done = command(tmp_path / "two", "unshare")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "this host has generation 1 of the index, and no other: now leave INDEX_STORE empty\n"
    )
    monkeypatch.setenv("INDEX_STORE", "")
    assert command(tmp_path / "two", "verify").stdout == "1000 images, nothing wrong\n"
    alone = House(tmp_path / "two", url)
    assert alone.nearest(7) == nearest
    alone.add(2000, 2000)
    assert alone.run("update").generation == 2
    assert alone.problems() == []
    alone.catalogue.close()


def test_a_store_that_is_lost_keeps_nobody_from_going_back(house: House, tmp_path: Path) -> None:
    house.add(2000, 2000)
    other = House(tmp_path / "two", house.catalogue.database.url, store=f"{tmp_path}/store")
    assert other.sharing is not None
    other.sharing.follower.catch_up()
    house.run("update")
    shutil.rmtree(tmp_path / "store")
    assert unshare(other.catalogue, other.generations, Shared(other.sharing), tmp_path / "two") == 1
    assert other.catalogue.generations.all() == []
    assert other.problems() == []
    (tmp_path / "three").mkdir()
    none = House(tmp_path / "three", new_file(tmp_path / "three"), store=f"{tmp_path}/store")
    sharing = Sharing.of(f"{tmp_path}/store", none.catalogue, none.generations)
    assert unshare(none.catalogue, none.generations, Shared(sharing), tmp_path / "three") is None
    for each in (other, none):
        each.catalogue.close()
