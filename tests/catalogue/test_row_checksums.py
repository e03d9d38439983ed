"""Every column that matters is under a checksum, and `verify` names each row that is damaged."""

import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, create_engine, insert, update

from sidecar.catalogue import NewImage, TaskKind, open_catalogue
from sidecar.catalogue.schema import features, images, models, pictures, removals, tasks
from sidecar.errors import CatalogueDamaged
from tests.support.databases import upgrade_to
from tests.support.house import House, vector

ENTRY = "the entry of {} (number {}) is not what was stored"

LAST = 4100  # more than the migration holds in memory at once
NUMBERS = range(1, LAST + 1)


@pytest.fixture
def shelf(catalogue_url: str, tmp_path: Path) -> Iterator[House]:
    """Nine images, of which the third was removed."""
    house = House(tmp_path, catalogue_url)
    new = [
        NewImage(f"{n}", "0" * 64, b"jpeg %d" % n, {house.model: vector(n)}) for n in range(1, 10)
    ]
    house.catalogue.adds.add_all(new)
    house.catalogue.removals.remove("3")
    assert house.problems() == []
    yield house
    house.catalogue.close()


def change(house: House, column: Column[Any], value: object, **of: object) -> None:
    """Changes a column of one row, which is named by other columns, past all checks."""
    table = column.table
    which = [table.c[name] == each for name, each in of.items()]
    engine = create_engine(house.catalogue.database.url)  # SQLite has no foreign keys by default
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        connection = stack.enter_context(engine.begin())
        if engine.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(update(table).where(*which).values({column.name: value}))


def test_each_of_nine_flipped_hashes_is_named(shelf: House) -> None:
    for seq in (1, 2, 4, 5, 6, 7, 8, 9):
        change(shelf, images.c.sha256, "0" * 63 + "1", seq=seq)
    change(shelf, removals.c.seq, 4, removal=1)
    assert shelf.problems() == [
        *(ENTRY.format(n, n) for n in (1, 2, 4, 5, 6, 7, 8, 9)),
        "removal 1 (of the image number 4) is not what was stored",
    ]


DAMAGED: dict[str, tuple[Column[Any], object, dict[str, object], str]] = {
    "an id": (images.c.id, "44", {"seq": 4}, ENTRY.format(44, 4)),
    "a time": (images.c.added_at, 1.0, {"seq": 4}, ENTRY.format(4, 4)),
    "a checksum of a JPEG": (pictures.c.crc, 7, {"seq": 4}, ENTRY.format(4, 4)),
    "a checksum of a row": (images.c.crc, 7, {"seq": 4}, ENTRY.format(4, 4)),
    "a time of a removal": (
        removals.c.removed_at,
        1.0,
        {"removal": 1},
        "removal 1 (of the image number 3) is not what was stored",
    ),
    "a hash of a model": (
        models.c.sha256,
        "b" * 64,
        {"model": 1},
        "the entry of the model's version 1 is not what was stored",
    ),
    "a model's number": (
        models.c.version,
        2,
        {"model": 1},
        "the entry of the model's version 2 is not what was stored",
    ),
    "no model in use": (
        models.c.in_use,
        False,
        {"model": 1},
        "there are features, and no version of the model is marked as in use",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_changed_column_is_noticed(shelf: House, name: str) -> None:
    column, value, of, sentence = DAMAGED[name]
    change(shelf, column, value, **of)
    assert sentence in shelf.problems()


def test_two_images_that_exchanged_their_jpegs_are_both_named(shelf: House) -> None:
    for seq, other in ((4, 99), (5, 4), (99, 5)):
        change(shelf, pictures.c.seq, other, seq=seq)
    entries = [each for each in shelf.problems() if each.startswith("the entry")]
    assert entries == [ENTRY.format(4, 4), ENTRY.format(5, 5)]


def test_a_task_that_can_not_be_read_is_named(shelf: House) -> None:
    task = shelf.catalogue.tasks.request(TaskKind.TRAIN)
    change(shelf, tasks.c.kind, "trail", task_id=task.task_id)
    assert shelf.problems() == [
        f"the entry of task {task.task_id} can't be read: 'trail' is not a valid TaskKind"
    ]


def test_what_belongs_to_no_image_is_named(shelf: House) -> None:
    change(shelf, pictures.c.seq, 400, seq=4)
    change(shelf, features.c.seq, 500, seq=5)
    change(shelf, features.c.model, 7, seq=6)
    assert shelf.problems() == [
        "the JPEG of 4 is missing",
        "the features of 5 by the model in use are missing",
        "the features of 6 by the model in use are missing",
        "the JPEG numbered 400 belong to no row of images",
        "the features numbered 500 belong to no row of images",
        "the features numbered 7 belong to no row of models",
    ]


def test_a_damaged_entry_is_not_answered(shelf: House) -> None:
    change(shelf, images.c.sha256, "1" * 64, seq=4)
    with pytest.raises(CatalogueDamaged, match="the entry of 4 is not what was stored"):
        shelf.catalogue.images.get("4")
    assert shelf.catalogue.images.get("5").sha256 == "0" * 64
    shelf.catalogue.removals.remove("4")
    assert shelf.problems() == []


def entries(house: House) -> list[str]:
    """What is wrong but for features, which these images lack."""
    return [each for each in house.problems() if not each.startswith("the features")]


def test_the_rows_of_an_older_catalogue_get_their_checksums(
    database_url: str, tmp_path: Path
) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        upgrade_to(connection, "0007")
        row = {"version": 1, "sha256": "a" * 64, "dimension": 64, "in_use": True}
        connection.execute(insert(models).values(model=1, **row))
        fields = {"sha256": "0" * 64}
        new = [{"seq": n, "id": f"é-{n}", "added_at": n / 7, **fields} for n in NUMBERS]
        connection.execute(insert(images), new)
        jpegs = [{"seq": n, "jpeg": b"jpeg", "crc": zlib.crc32(b"jpeg")} for n in NUMBERS]
        connection.execute(insert(pictures), jpegs)
        connection.execute(insert(removals).values(removal=1, seq=6000, removed_at=0.1))
    engine.dispose()
    house = House(tmp_path, database_url)
    with house.catalogue.database.reading() as connection:
        counted = "SELECT count(*) FROM {} WHERE crc IS NULL"
        for table in (images, models, removals):
            assert connection.exec_driver_sql(counted.format(table.name)).scalar_one() == 0
    wrong = entries(house)
    assert wrong == []
    change(house, images.c.sha256, "1" * 64, seq=LAST)
    change(house, removals.c.seq, 6001, removal=1)
    change(house, models.c.dimension, 65, model=1)
    wrong = entries(house)
    assert wrong == [
        ENTRY.format(f"é-{LAST}", LAST),
        "the entry of the model's version 1 is not what was stored",
        "removal 1 (of the image number 6001) is not what was stored",
    ]
    house.catalogue.close()


def test_a_row_of_the_release_before_passes(shelf: House) -> None:
    """Written by a process of that release, while this one was starting."""
    with shelf.catalogue.database.writing() as connection:
        row = {"seq": 50, "id": "old", "sha256": "0" * 64, "added_at": 1.0}
        connection.execute(insert(images).values(row))
        connection.execute(insert(pictures).values(seq=50, jpeg=b"jpeg", crc=zlib.crc32(b"jpeg")))
    assert shelf.problems() == ["the features of old by the model in use are missing"]
    assert shelf.catalogue.images.get("old").seq == 50
    shelf.catalogue.adds.add(NewImage("new", "0" * 64, b"jpeg", {shelf.model: vector(1)}))
    assert shelf.catalogue.images.get("new").seq > 9


def test_numbers_are_drawn_in_order_and_never_twice(shelf: House) -> None:
    shelf.catalogue.removals.remove("9")
    again = open_catalogue(shelf.catalogue.database.url, 30.0)
    seqs = [
        again.adds.add(NewImage(f"n-{n}", "0" * 64, b"jpeg", {shelf.model: vector(n)}))
        for n in range(3)
    ]
    assert seqs == [10, 11, 12]
    again.close()
