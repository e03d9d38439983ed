"""Which generation of a shared index each process has open: who is noted, and who is waited for."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from sidecar import __main__ as main
from sidecar.catalogue import Catalogue, Reader, open_catalogue
from sidecar.catalogue.schema import readers
from sidecar.errors import SettingsError
from sidecar.operations import Inventory
from sidecar.presence import Presence
from sidecar.settings import from_environment
from sidecar.tasks.upgrade import Parts, Upgrader
from sidecar.volume import host_name
from sidecar.warmup import Opened
from tests.support.databases import new_file
from tests.support.house import House

JOIN_S = 60


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, 30.0)
    yield catalogue
    catalogue.close()


def long_ago(catalogue: Catalogue, process: str) -> None:
    """Makes the last life sign of a process an old one."""
    with catalogue.database.writing() as connection:
        mine = readers.c.process == process
        connection.execute(update(readers).where(mine).values(seen_at=readers.c.seen_at - 30))


def test_a_process_is_seen_with_what_it_has_open_until_it_ends_or_falls_silent(
    catalogue: Catalogue,
) -> None:
    for process, host in (("a", "one"), ("b", "one"), ("c", "two")):
        catalogue.readers.note(Reader(process, host, 3))
    catalogue.readers.note(Reader("b", "one", 4, "d" * 64))
    assert {each.process for each in catalogue.readers.seen(10)} == {"a", "b", "c"}
    assert Reader("b", "one", 4, "d" * 64) in catalogue.readers.seen(10)
    catalogue.readers.gone("a")
    long_ago(catalogue, "c")
    assert [each.process for each in catalogue.readers.seen(10)] == ["b"]
    assert [each.process for each in catalogue.readers.seen(60)] == ["b", "c"]


def test_a_process_says_what_has_changed_and_else_only_now_and_then(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    opened = Opened()
    presence = Presence(catalogue.readers, opened, tmp_path)
    presence.note()
    [first] = catalogue.readers.seen(10)
    assert (first.generation, first.draft) == (0, None)
    long_ago(catalogue, first.process)
    presence.note()
    assert catalogue.readers.seen(10) == []
    opened.generation, opened.draft = 7, "d" * 64
    presence.note()
    [now] = catalogue.readers.seen(10)
    assert (now.process, now.generation, now.draft) == (first.process, 7, "d" * 64)
    presence.end()
    assert catalogue.readers.seen(60) == []


def test_processes_of_one_folder_are_of_one_host_and_those_of_another_are_not(
    tmp_path: Path,
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    names = [host_name(tmp_path / name) for name in ("one", "one", "two")]
    assert names[0] == names[1]
    assert names[0] != names[2]


# -- an upgrade waits


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "one", new_file(tmp_path), exact_max=10**6, store=f"{tmp_path}/store")
    house.add(1, 1000)
    house.run("train")
    house.add(1001, 1001)
    yield house
    house.catalogue.close()


def quiet(*_: object) -> None:
    """No progress."""


class Preloading:
    """An upgrade that waits for the other hosts, in a thread of its own."""

    def __init__(self, house: House) -> None:
        self.task = house.claim("update")
        self.sealed = house.trainer.draft_update(self.task, house.generations.current(), quiet)
        parts = Parts(house.catalogue, house.generations, house.trainer, *[None] * 3)  # type: ignore[arg-type]
        waiting = threading.Event()
        upgrader = Upgrader(parts, self.task, lambda *_: waiting.set())
        self.thread = threading.Thread(target=upgrader._preload, args=(self.sealed,))
        self.thread.start()
        assert waiting.wait(JOIN_S)

    def ends(self) -> bool:
        self.thread.join(JOIN_S)
        return not self.thread.is_alive()


def test_an_upgrade_waits_for_every_process_that_lives_and_for_no_other(house: House) -> None:
    note = house.catalogue.readers.note
    for process, host in (("a", "one"), ("b", "one"), ("dead", "two")):
        note(Reader(process, host, 1))
    long_ago(house.catalogue, "dead")
    preloading = Preloading(house)
    note(Reader("a", "one", 1, digest := house.trainer.publisher.offered))
    assert digest is not None
    preloading.thread.join(0.5)
    assert preloading.thread.is_alive()
    note(Reader("b", "one", 1, digest))
    assert preloading.ends()


def test_an_upgrade_goes_without_a_host_that_takes_too_long_and_names_it(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sidecar.tasks.upgrade.PRELOAD_LIMIT_S", 0.2)
    house.catalogue.readers.note(Reader("a", "the slow one", 1))
    with caplog.at_level(logging.WARNING):
        assert Preloading(house).ends()
    assert "switching without the slow one" in caplog.text


def test_the_statistics_count_the_hosts_that_are_behind(house: House) -> None:
    inventory = Inventory(house.catalogue, house.generations, is_shared=True)
    for process, host, number in (("a", "one", 1), ("b", "two", 1), ("c", "two", 0)):
        house.catalogue.readers.note(Reader(process, host, number))
    stats = inventory.stats()
    assert (stats.generation, stats.current_generation, stats.hosts_behind) == (1, 1, 1)
    house.run("update")
    assert inventory.stats().hosts_behind == 2


# -- what is refused at the start


def test_an_index_on_a_network_file_system_is_refused_with_any_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.files.file_system", lambda _: "nfs4")
    nowhere = "postgresql+psycopg://a:b@127.0.0.1:1/none"
    settings = from_environment(data_dir=tmp_path, catalogue_url=nowhere)
    with pytest.raises(
        SettingsError, match=r"index is on a network file system \(nfs4\)"
    ) as caught:
        main._check(settings)
    assert "\n" not in str(caught.value)
