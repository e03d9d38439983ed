"""Versions go and come back on the real stack, while clients add, as `campaigns.returning` does."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert

from campaigns.returning import Shelf, go_and_return, strange
from campaigns.switching import Traffic
from local.stack import Stack
from sidecar.catalogue import open_catalogue
from sidecar.catalogue.schema import tasks
from tests.catalogue.test_key_migration import task
from tests.conftest import Trained
from tests.support.databases import upgrade_to
from tests.support.versions import put
from tests.triton.test_returning_models import spoiled

pytestmark = [pytest.mark.long, pytest.mark.release]

SOME = ("embedding", "measuring")  # of the phases of an upgrade; the campaign takes them all
PAUSE_S = 1.0  # of a client, after each answer: it is the versions that are tested
TABLES = ("images", "pictures", "originals", "models", "features", "removals", "tasks")
NETWORKS = {1: "tiny", 2: "signed-one", 3: "signed-two"}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("returns")
    for number, name in NETWORKS.items():
        put(name, number, folder / "all")
    shutil.copytree(folder / "all", folder / "models")
    for later in (2, 3):
        shutil.rmtree(folder / "models" / "keywording" / f"{later}")
    (folder / "data").mkdir()
    settings = {"MODEL_REPOSITORY": f"{folder}/models", "TASK_LEASE_S": "30"}
    with trained(folder / "data", **settings) as stack:
        yield Shelf(stack, folder / "models", folder / "all" / "keywording", every=10)


def test_versions_go_and_come_back_and_every_image_has_features_of_its_own(
    shelf: Shelf, collection: dict[str, bytes]
) -> None:
    traffic = Traffic(shelf.stack, [*collection.values()], collection, pause_s=PAUSE_S)
    ended = go_and_return(shelf, traffic, SOME)
    assert traffic.failures == []
    assert ended.keys() == set(SOME)
    assert ended["embedding"] == "error"  # cancelled
    assert len(traffic.added) > 10
    assert [*shelf.wrong, *strange(shelf)] == []
    stats = shelf.stack.get("/similarity/stats").json()
    assert stats["images"] == len(collection) + len(traffic.added)
    assert shelf.stack.get("/similarity/models").json()["in_use"] == 1
    assert "nothing wrong" in shelf.stack.command("verify")


def test_a_volume_that_has_suffered_is_mended_at_the_next_start(
    shelf: Shelf, collection: dict[str, bytes]
) -> None:
    stack, whole = shelf.stack, replace(shelf, every=1)
    stack.kill_all("sidecar")
    name = [*collection][7]
    url = f"sqlite:///{stack.folder}/catalogue.sqlite"
    suffer(stack, url, name)
    assert len(list(strange(whole))) == 1
    stack.start("sidecar")
    stack.wait_ready()
    stack.wait(lambda: mendings(stack), "the start has asked for a mending")
    done = stack.finish_well(mendings(stack)[0])
    assert (done["kind"], done["mended"]) == ("mend", 1)
    assert done["generation"] == stack.get("/similarity/stats").json()["generation"]
    assert list(strange(whole)) == []
    assert "nothing wrong" in stack.command("verify")


def mendings(stack: Stack) -> list[str]:
    told = stack.get("/similarity/tasks").json()["tasks"]
    return [task["task_id"] for task in told if task["kind"] == "mend"]


def suffer(stack: Stack, url: str, name: str) -> None:
    """Make the volume one of the release before, whose key 2 was used again, and spoil an image."""
    catalogue = open_catalogue(url, 30)
    in_use = catalogue.models.in_use()
    assert in_use is not None
    spoiled(catalogue, name, in_use)
    catalogue.close()
    as_of_release_before(stack.folder / "catalogue.sqlite")
    engine = create_engine(url)
    history = (("upgrade", 8), ("retire", 8), ("upgrade", 9))
    with engine.begin() as connection:
        for moment, (kind, version) in enumerate(history, 1):
            connection.execute(insert(tasks).values(task(moment, kind, version, "cancelled")))
    engine.dispose()


def as_of_release_before(path: Path) -> None:
    """Gives a catalogue the tables that it had before migration 0006, with all that they hold."""
    older = path.with_name("older.sqlite")
    engine = create_engine(f"sqlite:///{older}")
    with engine.begin() as connection:
        upgrade_to(connection, "0005")
    engine.dispose()
    with closing(sqlite3.connect(older)) as database:
        database.execute("ATTACH ? AS newer", (f"{path}",))
        for table in TABLES:
            rows = database.execute(f"PRAGMA table_info({table})").fetchall()
            columns = ", ".join(row[1] for row in rows)
            database.execute(f"INSERT INTO {table} SELECT {columns} FROM newer.{table}")
        database.commit()
    for log in ("-wal", "-shm"):
        path.with_name(path.name + log).unlink(missing_ok=True)
    older.rename(path)
