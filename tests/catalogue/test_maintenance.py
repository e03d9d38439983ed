"""Backup, restore, verify, repair: without a server, and as commands."""

import re
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import update

from sidecar.catalogue import open_catalogue
from sidecar.catalogue.schema import features, images, pictures
from sidecar.errors import (
    BackupRefused,
    CatalogueDamaged,
    IndexDamaged,
    RepairRefused,
    SimilarityError,
    StorageFull,
)
from sidecar.index import GenerationStore
from sidecar.operations.backup import Backups
from sidecar.operations.commands import maintain
from sidecar.operations.repair import repair
from sidecar.operations.verify import Verifier
from sidecar.settings import from_environment
from tests.support.databases import KINDS, new_database
from tests.support.house import House
from tests.support.maintenance import command


def build(house: House) -> None:
    """1,000 images indexed, of which two were removed, and ten more."""
    house.add(1, 1000)
    house.run("train")
    house.remove(3, 4)
    house.add(1001, 1010)


def backups(house: House) -> Backups:
    return Backups(house.catalogue, house.generations)


def quiet(_table: str, _rows: int) -> None:
    """No progress."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_is_restored_as_it_was_into_any_kind_of_database(
    house: House, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    backups(house).backup(tmp_path / "copy", quiet)
    house.add(2000, 2000)  # later than the backup
    url = None
    if kind == "postgresql":
        url = new_database(request.getfixturevalue("postgres_server"))
    (tmp_path / "restored").mkdir()
    restored = House(tmp_path / "restored", url)
    backups(restored).restore(tmp_path / "copy", quiet)
    assert restored.problems() == []
    assert restored.catalogue.images.page(0, 5000) == house.catalogue.images.page(0, 1008)
    assert restored.nearest(7) == house.nearest(7)
    assert restored.generations.current().number == 1
    restored.add(3000, 3000)
    assert restored.catalogue.images.get("3000").seq == 1011
    restored.remove(3000)
    assert restored.catalogue.removals.since(0).seqs == [3, 4, 1011]
    assert restored.run("update").images == 1008
    assert restored.problems() == []
    restored.catalogue.close()


def test_a_restored_catalogue_uses_no_number_of_a_removed_image_again(
    house: House, tmp_path: Path
) -> None:
    house.run("update")
    newest = house.catalogue.images.get("1010").seq
    house.remove(1010)
    last = house.catalogue.removals.since(0).last
    backups(house).backup(tmp_path / "copy", quiet)
    (tmp_path / "restored").mkdir()
    restored = House(tmp_path / "restored")
    backups(restored).restore(tmp_path / "copy", quiet)
    restored.catalogue.removals.forget(last)
    restored.add(4000, 4000)
    assert restored.catalogue.images.get("4000").seq == newest + 1
    restored.remove(4000)
    assert restored.catalogue.removals.since(0).last == last + 1
    restored.catalogue.close()


def test_a_backup_while_others_write_is_of_one_moment(house: House, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 10_000
        while not stop.is_set():
            house.add(number, number)
            if number % 3 == 0 and number < 10_900:
                house.remove(number - 9_990)
            if number % 50 == 0:
                house.run("update")
            number += 1

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for number in range(3):
            backups(house).backup(tmp_path / f"copy-{number}", quiet)
    finally:
        stop.set()
        writing.join()
    for number in range(3):
        (tmp_path / f"restored-{number}").mkdir()
        restored = House(tmp_path / f"restored-{number}")
        backups(restored).restore(tmp_path / f"copy-{number}", quiet)
        assert restored.problems() == []
        restored.catalogue.close()
    assert house.problems() == []


def test_a_generation_that_is_cleared_away_under_a_backup_is_no_trouble(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copyfile = shutil.copyfile

    def replaced(source: Path, target: Path) -> None:
        if house.generations.current_number() == 1:
            for number in (3001, 3002):
                house.add(number, number)
                house.run("update")
        copyfile(source, target)

    monkeypatch.setattr("sidecar.operations.backup.shutil.copyfile", replaced)
    backups(house).backup(tmp_path / "copy", quiet)
    assert GenerationStore(tmp_path / "copy" / "index").current().number == 3


def test_neither_a_backup_nor_a_catalogue_is_ever_overwritten(house: House, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(BackupRefused, match="not empty"):
        backups(house).backup(tmp_path / "full", quiet)
    backups(house).backup(tmp_path / "copy", quiet)
    before = house.nearest(7)
    with pytest.raises(BackupRefused, match="holds images"):
        backups(house).restore(tmp_path / "copy", quiet)
    with pytest.raises(BackupRefused, match="no backup"):
        backups(house).restore(tmp_path / "full", quiet)
    assert house.nearest(7) == before
    assert house.problems() == []


def test_a_backup_that_fails_half_way_leaves_nothing(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sidecar.operations.backup.sync", full)
    with pytest.raises(StorageFull):
        backups(house).backup(tmp_path / "there" / "copy", quiet)
    assert list((tmp_path / "there").iterdir()) == []


def test_a_restore_that_fails_half_way_leaves_nothing(house: House, tmp_path: Path) -> None:
    backups(house).backup(tmp_path / "copy", quiet)
    features = tmp_path / "copy" / "index" / "000001" / "features-1.f16"
    whole = features.read_bytes()
    features.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (tmp_path / "new").mkdir()
    new = House(tmp_path / "new")
    with pytest.raises(IndexDamaged, match="features-1"):
        backups(new).restore(tmp_path / "copy", quiet)
    assert new.catalogue.images.count() == 0
    assert new.generations.numbers() == []
    assert new.problems() == []
    features.write_bytes(whole)
    backups(new).restore(tmp_path / "copy", quiet)
    assert new.problems() == []
    assert new.nearest(7) == house.nearest(7)
    new.catalogue.close()


def test_verify_names_what_is_wrong_in_the_catalogue(house: House) -> None:
    assert house.problems() == []
    with house.catalogue.database.writing() as connection:
        connection.execute(update(pictures).where(pictures.c.seq == 7).values(jpeg=b"jpEg"))
        wrong = update(features).where(features.c.seq == 8)
        connection.execute(wrong.values(vector=b"\0" * 128))
        connection.execute(update(images).where(images.c.seq == 6).values(id="six"))
        connection.exec_driver_sql("DELETE FROM pictures WHERE seq = 9")
    assert house.problems() == [
        "the entry of six (number 6) is not what was stored",
        "the JPEG of 7 is not what was stored",
        "the features of 8 by version 1 are not what was stored",
        "the JPEG of 9 is missing",
    ]


def test_verify_names_what_differs_between_catalogue_and_index(house: House) -> None:
    house.remove(20)
    house.catalogue.removals.forget(10**6)
    with house.catalogue.database.writing() as connection:
        connection.execute(update(features).where(features.c.seq == 30).values(crc=1))
    assert house.problems() == [
        "the features of 30 by version 1 are not what was stored",
        "generation 000001 holds images that the catalogue does not know: 3 (number 3, 4, 20…)",
        "generation 000001 has other features than the catalogue of images: 1 (number 30…)",
    ]


def test_repair_makes_the_index_again(house: House) -> None:
    before = house.nearest(7)
    house.run("update")
    for path in house.generations.folder.rglob("lists.ivf"):
        path.write_bytes(b"rubbish")
    assert len(house.problems()) == 2
    task = repair(house.catalogue, GenerationStore(house.generations.folder), house.trainer.rules)
    assert task is not None
    assert (task.state, task.images, task.generation) == ("ok", 1008, 3)
    assert house.problems() == []
    assert house.generations.numbers() == [3]
    assert set(house.nearest(7)) - {str(n) for n in range(1001, 1011)} <= set(before)


def test_repair_takes_any_number_of_images(tmp_path: Path) -> None:
    house = House(tmp_path)
    assert repair(house.catalogue, house.generations, house.trainer.rules) is None
    house.add(1, 3)
    assert repair(house.catalogue, house.generations, house.trainer.rules)
    assert sorted(house.nearest(1)) == ["2", "3"]
    house.remove(1, 2, 3)
    assert repair(house.catalogue, house.generations, house.trainer.rules) is None
    assert house.generations.numbers() == []
    assert house.problems() == []
    house.catalogue.close()


def test_repair_waits_for_no_task_and_changes_nothing_where_it_fails(house: House) -> None:
    running = house.claim("update")
    with pytest.raises(RepairRefused, match="another task is running"):
        repair(house.catalogue, house.generations, house.trainer.rules)
    house.catalogue.tasks.cancel(running.task_id)
    with house.catalogue.database.writing() as connection:
        connection.execute(update(features).where(features.c.seq == 30).values(crc=1))
    with pytest.raises(CatalogueDamaged, match="verify"):
        repair(house.catalogue, house.generations, house.trainer.rules)
    assert house.generations.numbers() == [1]


def test_the_commands_tell_how_they_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those that take a folder as processes, where one fails; the others here, within one."""

    def here(folder: Path, word: str, *given: str) -> tuple[int, str]:
        monkeypatch.setenv("DATA_DIR", f"{folder}")
        status = maintain(from_environment(), word, *given)
        return status, capsys.readouterr().out

    house = House(tmp_path)
    house.add(1, 1000)
    house.run("train")
    house.catalogue.close()
    copy = str(tmp_path / "copy")
    assert here(tmp_path, "backup", copy) == (0, f"backed up into {copy}\n")
    again = command(tmp_path, "backup", copy)
    assert (again.returncode, again.stderr) == (1, f"{copy} is not empty\n")
    restored = command(tmp_path / "new", "restore", copy)
    assert restored.stdout == f"restored from {copy}: 1000 images\n"
    assert here(tmp_path / "new", "verify") == (0, "1000 images, nothing wrong\n")
    (tmp_path / "index/000001/lists.ivf").write_bytes(b"rubbish")
    status, wrong = here(tmp_path, "verify")
    assert status == 1
    assert wrong.endswith("1000 images, 1 wrong\n")
    assert here(tmp_path, "repair") == (0, "repaired: generation 2, 1000 images\n")
    house = House(tmp_path)
    assert house.problems() == []
    house.catalogue.close()


def seen(folder: Path) -> list[str]:
    """What `verify` finds in a volume, or what it ends with."""
    try:
        catalogue = open_catalogue(f"sqlite:///{folder}/catalogue.sqlite", 30.0)
        with closing(catalogue.database):
            return list(Verifier(catalogue, GenerationStore(folder / "index")).problems())
    except SimilarityError as error:
        return [str(error)]


def test_a_torn_catalogue_is_noticed_by_verify_and_reported_in_one_line(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add(1, 1000)
    house.catalogue.close()
    file = tmp_path / "catalogue.sqlite"
    whole = file.read_bytes()
    for page in (3, 9, 14, 19):
        torn = bytearray(whole)
        torn[page * 16384 : page * 16384 + 8192] = bytes(8192)
        file.write_bytes(torn)
        assert seen(tmp_path) != [], page
        for left in tmp_path.glob("catalogue.sqlite-*"):
            left.unlink()
    done = command(tmp_path, "verify")
    assert done.returncode == 1
    assert re.search(r"(?m)^1000 images, [0-9]+ wrong$", done.stdout) or "malformed" in done.stderr
    assert "Traceback" not in done.stderr
    file.write_bytes(whole)
    assert seen(tmp_path) == []


def test_a_backup_is_a_plain_database(house: House, tmp_path: Path) -> None:
    backups(house).backup(tmp_path / "copy", quiet)
    assert sorted(p.name for p in (tmp_path / "copy").iterdir()) == ["catalogue.sqlite", "index"]
    connection = sqlite3.connect(tmp_path / "copy" / "catalogue.sqlite")
    assert connection.execute("SELECT count(*) FROM images").fetchone() == (1008,)
    connection.close()
