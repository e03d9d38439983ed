"""When the last backup was made: noted by the command, read by every process, in no copy."""

import time
from pathlib import Path

import pytest

from sidecar.catalogue import BackupMade
from sidecar.errors import SimilarityError
from sidecar.index import BuildRules
from sidecar.models.comparison import Comparison
from sidecar.models.registry import ModelRegistry
from sidecar.operations.backup import Backups
from sidecar.operations.commands import COMMANDS, Copies, Tools
from sidecar.operations.stats import Inventory
from tests.support.house import NOWHERE, House
from tests.support.maintenance import command
from tests.support.small_volume import NEEDS_ROOT, small_volume, without_room


def build(house: House) -> None:
    """Three images."""
    house.add(1, 3)


def run(house: House, command: str, folder: Path) -> int:
    models = ModelRegistry(house.repository, house.catalogue.models, NOWHERE)
    copies = Copies(Backups(house.catalogue, house.generations), folder.parent)
    return COMMANDS[command](Tools(copies, BuildRules(0, "cpu"), Comparison(models)), f"{folder}")


def last(house: House) -> BackupMade | None:
    return Inventory(house.catalogue, house.generations).stats().last_backup


def test_the_last_backup_is_the_newest_that_ended_well(house: House, tmp_path: Path) -> None:
    assert last(house) is None
    before = time.time()
    run(house, "backup", tmp_path / "first")
    first = last(house)
    assert first is not None
    assert before <= first.at <= time.time()
    assert first.images == 3
    house.add(4, 5)
    run(house, "backup", tmp_path / "second")
    second = last(house)
    assert second is not None
    assert (second.images, second.at > first.at) == (5, True)
    with pytest.raises(SimilarityError, match="is not empty"):
        run(house, "backup", tmp_path / "second")
    assert last(house) == second


def test_a_restored_catalogue_begins_without_one(house: House, tmp_path: Path) -> None:
    for name in ("first", "second"):  # so that the second was made when the first was noted
        run(house, "backup", tmp_path / name)
    restored = House(tmp_path / "restored")
    restored.catalogue.note_backup(BackupMade(1.0, 0))  # of what was there before
    run(restored, "restore", tmp_path / "second")
    assert restored.catalogue.images.count() == 3
    assert last(restored) is None
    restored.catalogue.close()


def test_the_copy_itself_says_nothing_of_backups(house: House, tmp_path: Path) -> None:
    for name in ("first", "second"):
        run(house, "backup", tmp_path / name)
    laid_out = House(tmp_path / "second")  # as a volume is
    assert last(laid_out) is None
    laid_out.catalogue.close()


@NEEDS_ROOT
def test_a_backup_that_can_not_be_noted_is_a_good_one_and_one_line_says_so(tmp_path: Path) -> None:
    with small_volume(tmp_path / "volume", 32) as volume:
        house = House(volume)
        house.add(1, 3)
        with without_room(volume):
            done = command(volume, "backup", f"{tmp_path / 'copy'}")
        assert (done.returncode, done.stdout) == (0, f"backed up into {tmp_path / 'copy'}\n")
        assert done.stderr == (
            "the backup is whole, but its date was not noted: the volume of the catalogue is full\n"
        )
        assert last(house) is None
        house.catalogue.close()
    copy = House(tmp_path / "copy")
    assert (copy.catalogue.images.count(), copy.problems()) == (3, [])
    copy.catalogue.close()
