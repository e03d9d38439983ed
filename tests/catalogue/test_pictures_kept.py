"""Backup, restore, verify, repair and the moves of a catalogue whose images are in a store."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sidecar.catalogue import Catalogue, NewImage, open_catalogue
from sidecar.errors import PicturesStoreUnavailable, SettingsError
from sidecar.operations.backup import Backups
from sidecar.operations.commands import maintain
from sidecar.settings import from_environment
from tests.support.house import House, vector
from tests.support.maintenance import command

UPLOAD = b"an upload as it came"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"{tmp_path}/store"


@pytest.fixture
def house(tmp_path: Path, catalogue_url: str, url: str) -> Iterator[House]:
    """Three images in the store; the third is kept as it came."""
    house = House(tmp_path, catalogue_url, pictures_store=url)
    house.add(1, 2)
    sha256 = hashlib.sha256(UPLOAD).hexdigest()
    house.catalogue.adds.add(
        NewImage("3", sha256, b"jpeg", {house.model: vector(3)}, original=UPLOAD)
    )
    yield house
    house.catalogue.close()


@contextmanager
def restored(folder: Path, copy: Path, url: str = "") -> Iterator[House]:
    """A catalogue filled from a backup, which keeps images in a store or in rows."""
    other = House(folder, pictures_store=url)
    Backups(other.catalogue, other.generations).restore(copy, quiet)
    yield other
    other.catalogue.close()


def quiet(_table: str, _rows: int) -> None:
    """No progress."""


def objects(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def looks_whole(catalogue: Catalogue) -> None:
    assert [catalogue.images.jpeg(f"{n}") for n in (1, 2, 3)] == [b"jpeg"] * 3
    assert catalogue.images.upload("3").content == UPLOAD
    assert list(catalogue.problems()) == []


def test_a_backup_has_the_images_and_is_restored_into_rows_or_into_a_store(
    house: House, tmp_path: Path, url: str
) -> None:
    backups = Backups(house.catalogue, house.generations)
    assert backups.backup(tmp_path / "copy", quiet).images == 3
    with closing(open_catalogue(f"sqlite:///{tmp_path}/copy/catalogue.sqlite", 30)) as copy:
        looks_whole(copy)  # by itself: it opens without a store
    with restored(tmp_path / "rows", tmp_path / "copy") as other:
        looks_whole(other.catalogue)
        assert other.catalogue.bytes_in_store() == 0
    there = f"{tmp_path}/another store"
    with restored(tmp_path / "objects", tmp_path / "copy", there) as other:
        looks_whole(other.catalogue)
        assert other.catalogue.bytes_in_store() == 3 * len(b"jpeg") + len(UPLOAD)
        assert objects(Path(there)) == 4
    with pytest.raises(SettingsError, match="PICTURES_STORE is empty"):
        House(tmp_path / "objects")
    with restored(tmp_path / "beside", tmp_path / "copy", url) as other:  # in the same store
        assert other.catalogue.database.objects.folder != house.catalogue.database.objects.folder
        assert objects(Path(url)) == 8
        assert other.catalogue.unnamed.delete_orphans(young_s=-60) == 0
        looks_whole(other.catalogue)
        other.catalogue.removals.remove_all(["1", "2", "3"])
    looks_whole(house.catalogue)


def test_a_backup_has_what_is_removed_while_it_is_made(
    house: House, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.catalogue.contents.unnamed.GRACE_S", -1.0)

    def meanwhile(table: str, _rows: int) -> None:
        if table == "images":
            house.catalogue.removals.remove("3")
            assert house.catalogue.unnamed.sweep() == 0

    Backups(house.catalogue, house.generations).backup(tmp_path / "copy", meanwhile)
    with closing(open_catalogue(f"sqlite:///{tmp_path}/copy/catalogue.sqlite", 30)) as copy:
        looks_whole(copy)
    assert objects(Path(url)) == 4
    monkeypatch.setattr("sidecar.catalogue.contents.unnamed.HELD_S", -1.0)
    with house.catalogue.unnamed.held():
        pass
    assert house.catalogue.unnamed.sweep() == 2


def test_a_backup_that_lacks_an_image_says_which(
    house: House, tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    [uploaded] = Path(url).glob("*/originals/*/*")
    uploaded.unlink()
    Backups(house.catalogue, house.generations).backup(tmp_path / "copy", quiet)
    assert "the upload of the image number 3 is missing from PICTURES_STORE" in caplog.text
    with closing(open_catalogue(f"sqlite:///{tmp_path}/copy/catalogue.sqlite", 30)) as copy:
        assert copy.images.jpeg("3") == b"jpeg"
        assert list(copy.problems()) == ["the upload of 3 is not what was stored"]


def test_a_backup_without_the_store_is_none(house: House, tmp_path: Path, url: str) -> None:
    Path(url).rename(tmp_path / "away")
    Path(url).touch()
    with pytest.raises(PicturesStoreUnavailable, match="PICTURES_STORE"):
        Backups(house.catalogue, house.generations).backup(tmp_path / "copy", quiet)
    assert not (tmp_path / "copy").exists()


def test_the_objects_of_what_was_removed_before_a_restore_are_still_swept(
    house: House, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups = Backups(house.catalogue, house.generations)
    backups.backup(tmp_path / "copy", quiet)
    house.catalogue.removals.remove_all(["1", "2", "3"])
    backups.restore(tmp_path / "copy", quiet)
    assert objects(Path(url)) == 8
    monkeypatch.setattr("sidecar.catalogue.contents.unnamed.GRACE_S", -1.0)
    monkeypatch.setattr("sidecar.catalogue.contents.unnamed._is_held", lambda _: False)
    assert house.catalogue.unnamed.sweep() == 4
    looks_whole(house.catalogue)


@pytest.fixture
def ran(
    tmp_path: Path, catalogue_url: str, url: str, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, list[str]]]:
    """Runs a command beside the service; returns its exit status and the lines that it prints."""

    def run(name: str, store: str = url) -> tuple[int, list[str]]:
        settings = from_environment(
            data_dir=tmp_path,
            catalogue_url=catalogue_url if "postgresql" in catalogue_url else "",
            pictures_store=store,
            triton_url="127.0.0.1:1",
        )
        capsys.readouterr()
        status = maintain(settings, name)
        return status, capsys.readouterr().out.splitlines()

    return run


def test_the_commands_know_what_no_row_names(
    house: House, url: str, ran: Callable[..., tuple[int, list[str]]]
) -> None:
    name = house.catalogue.database.objects.put("pictures", b"by a process that was killed then")
    assert ran("verify") == (0, ["3 images, nothing wrong"])
    two_days_ago = time.time() - 2 * 86_400
    for path in Path(url).glob("*/*/*/*"):
        os.utime(path, (two_days_ago, two_days_ago))
    said = "1 objects in PICTURES_STORE that no row names: `repair` deletes them"
    assert ran("verify") == (0, [said, "3 images, nothing wrong"])
    status, lines = ran("repair")
    assert status == 0
    assert "objects in PICTURES_STORE that no row named: 1 deleted" in lines
    assert objects(Path(url)) == 4
    assert not Path(url, name).exists()
    looks_whole(house.catalogue)


def test_images_are_moved_and_brought_back_by_command(
    house: House, url: str, tmp_path: Path, ran: Callable[..., tuple[int, list[str]]]
) -> None:
    done = "JPEGs and uploads moved: 4"
    back = "now leave PICTURES_STORE empty; what is left in the store may be deleted"
    assert ran("move-images") == (0, ["JPEGs and uploads moved: 0"])
    assert ran("return-images") == (0, [done, back])
    assert objects(Path(url)) == 0
    assert ran("verify", "") == (0, ["3 images, nothing wrong"])
    assert ran("move-images") == (0, [done])
    assert objects(Path(url)) == 4
    [lost] = Path(url).glob("*/originals/*/*")
    lost.unlink()
    stays = "the upload of 3 is missing from PICTURES_STORE: it stays in PICTURES_STORE"
    assert ran("return-images") == (1, [stays, "JPEGs and uploads moved: 3"])
    with pytest.raises(SettingsError, match="PICTURES_STORE is empty"):
        ran("verify", "")
    with pytest.raises(SettingsError, match="PICTURES_STORE is empty: set it"):
        ran("move-images", "")


def test_another_store_is_taken_once_it_has_the_images(
    house: House, url: str, tmp_path: Path, ran: Callable[..., tuple[int, list[str]]]
) -> None:
    """A misspelt one would get the images that are added from now on."""
    other = f"{tmp_path}/other"
    with pytest.raises(SettingsError, match=f"PICTURES_STORE={other}, and images .* are in {url}"):
        ran("verify", other)
    with pytest.raises(SettingsError, match=f"PICTURES_STORE={other} lacks .*/pictures/"):
        ran("move-images", other)
    assert ran("verify") == (0, ["3 images, nothing wrong"])
    shutil.copytree(url, other)
    assert ran("move-images", other) == (0, ["JPEGs and uploads moved: 0"])
    shutil.rmtree(url)
    assert ran("verify", other) == (0, ["3 images, nothing wrong"])
    with pytest.raises(SettingsError, match=f"PICTURES_STORE={url}, and images"):
        ran("verify")


def test_no_process_starts_without_the_store(tmp_path: Path, url: str) -> None:
    House(tmp_path, pictures_store=url).catalogue.close()
    refused = command(tmp_path, "serve")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"PICTURES_STORE is empty, and images of this catalogue are in {url}")
    assert command(tmp_path, "migrate").returncode == 0  # needs no more than the database
