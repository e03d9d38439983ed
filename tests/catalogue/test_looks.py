"""What an operator looks at: figures of one moment, and whether writes get their turn."""

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.errors import CatalogueUnavailable
from sidecar.index import GenerationStore
from sidecar.operations.stats import Inventory
from tests.support.house import House

SOON_S = 30.0


def build(house: House) -> None:
    house.add(1, 1100)
    house.run("train")


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(catalogue_url, 30.0)
    yield catalogue
    catalogue.close()


def test_stats_name_no_generation_whose_task_has_not_ended(house: House) -> None:
    house.add(1101, 1110)
    task = house.claim("update")
    inventory = Inventory(house.catalogue, GenerationStore(house.generations.folder))
    previous = house.generations.current()
    draft = house.trainer.draft_update(task, previous, lambda phase, progress: None)
    with ThreadPoolExecutor(1) as pool:
        with house.catalogue.tasks.publishing(task) as publication:
            number = house.trainer.publish(publication.transaction, draft)
            looking = pool.submit(inventory.stats)  # the files are in place, the task runs
            time.sleep(0.3)
            publication.record(None, number, draft.meta.images)
        stats = looking.result(SOON_S)
    assert stats.last_task is not None
    assert (stats.generation, stats.last_task.state) == (number, "ok")
    assert stats.last_task.generation == number
    assert (stats.images, stats.indexed, stats.waiting, stats.deleted) == (1110, 1110, 0, 0)


def test_stats_wait_for_nothing_where_tasks_know_nothing_of_the_generation(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a fall back to an older generation, or where a task was pruned."""
    inventory = Inventory(house.catalogue, house.generations)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("it waits for a commit"))
    assert inventory.stats().generation == house.generations.current().number


def test_writes_that_wait_for_a_foreign_lock_are_noticed(
    catalogue: Catalogue, catalogue_url: str
) -> None:
    catalogue.check_writes(2.0)
    if catalogue_url.startswith("sqlite"):
        file = catalogue_url.removeprefix("sqlite:///")
        foreign: Any = sqlite3.connect(file, isolation_level=None)
        foreign.execute("BEGIN IMMEDIATE")
    else:
        foreign = psycopg.connect(catalogue_url.replace("+psycopg", ""))
        foreign.execute("LOCK TABLE images IN EXCLUSIVE MODE")
    assert catalogue.images.last_added() is None  # reads go on
    with pytest.raises(CatalogueUnavailable, match=r"no write got its turn within 0.3 s"):
        catalogue.check_writes(0.3)
    foreign.rollback()
    foreign.close()
    catalogue.check_writes(2.0)


@pytest.mark.long
def test_both_ends_of_a_connection_notice_that_the_other_is_silent(migrated: str) -> None:
    """A host that is cut off while it holds the lock would keep it for a minute, and a request on a
    dead connection would wait for two hours."""
    with (
        closing(open_catalogue(migrated, 30.0)) as catalogue,
        catalogue.database.reading() as connection,
    ):
        driver: Any = connection.connection.dbapi_connection
        with socket.socket(fileno=os.dup(driver.fileno())) as ours:
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            idle, apart, probes, sent_ms = (
                ours.getsockopt(socket.IPPROTO_TCP, option)
                for option in (
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                    socket.TCP_USER_TIMEOUT,
                )
            )
        theirs = [
            int(driver.execute(f"SHOW tcp_{name}").fetchone()[0])
            for name in (
                "keepalives_idle",
                "keepalives_interval",
                "keepalives_count",
                "user_timeout",
            )
        ]
    assert (idle + apart * probes, sent_ms) == (11, 10_000)
    assert theirs == [idle, apart, probes, sent_ms]


def test_many_writers_are_no_foreign_lock(tmp_path: Path) -> None:
    """Whoever waits beside busy writers may wait for long, and nothing is wrong."""
    house = House(tmp_path)
    stopping = threading.Event()

    def write() -> None:
        number = 0
        while not stopping.is_set():
            with house.catalogue.database.writing() as connection:
                number += 1
                connection.exec_driver_sql(f"UPDATE models SET previous = {number}")
                time.sleep(0.01)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write) for _ in range(4)]
        try:
            for _ in range(5):
                house.catalogue.check_writes(0.3)
        finally:
            stopping.set()
        for each in writers:
            each.result(SOON_S)
    house.catalogue.close()
