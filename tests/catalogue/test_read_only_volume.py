"""A volume that can't be written: one line at the start, and `verify` works."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from local.stack import ROOT
from sidecar.catalogue import open_catalogue
from tests.support.house import House

# Root may write everywhere, unless it gives up that right.
AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
VERIFY = """
import sys
from contextlib import closing
from pathlib import Path
from sidecar.catalogue import open_catalogue
from sidecar.errors import SimilarityError
from sidecar.index import GenerationStore, Lineage
from sidecar.operations.verify import Verifier
for folder in map(Path, sys.argv[1:]):
    try:
        opened = open_catalogue(f"sqlite:///{folder}/catalogue.sqlite", 30, to_read=True)
    except SimilarityError as error:
        print(folder.name, str(error))
        continue
    with closing(opened) as catalogue:
        store = GenerationStore(folder / "index", Lineage(catalogue.marks))
        print(folder.name, catalogue.images.count(), list(Verifier(catalogue, store).problems()))
"""


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images and their index, whose process has ended."""
    folder = tmp_path_factory.mktemp("volume")
    house = House(folder)
    house.trainer = type(house.trainer)(
        house.catalogue, house.generations, house.trainer.rules, 2, fewest_samples=1
    )
    house.add(1, 6)
    house.run("train")
    house.catalogue.close()
    return folder


@contextmanager
def read_only(folder: Path) -> Iterator[list[str]]:
    """Makes a folder read-only for the block; gives what a command has to begin with."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv")
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield AS_ANYBODY if os.geteuid() == 0 else []
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"DATA_DIR": str(folder)}
    with read_only(folder) as prefix:
        return subprocess.run(
            [*prefix, sys.executable, *command],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


@pytest.mark.parametrize(
    ("module", "end"),
    [
        ("sidecar serve", "in-use'"),
        ("sidecar worker", "in-use'"),
        ("sidecar repair", "is on a read-only volume (DATA_DIR): there, only verify works"),
        ("local.redis", "redis can't be written (DATA_DIR): Permission denied"),
    ],
)
def test_each_process_says_in_one_line_that_it_can_not_write(
    volume: Path, module: str, end: str
) -> None:
    done = run(volume, "-m", *module.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"{end}\n")
    assert done.stderr.count("\n") == 1
    assert str(volume) in done.stderr


@pytest.mark.long
def test_verify_reads_a_read_only_volume_whatever_its_process_has_left(
    volume: Path, tmp_path: Path
) -> None:
    """Ended well; killed, with a log of a seventh image; the same, copied without `-shm`; and one
    of an earlier release."""
    for name in ("ended", "killed", "older"):
        shutil.copytree(volume, tmp_path / name)
    house = House(tmp_path / "killed")
    house.add(7, 7)
    shutil.copytree(tmp_path / "killed", tmp_path / "copied")
    shutil.copytree(tmp_path / "killed", tmp_path / "kept")
    house.catalogue.close()
    (tmp_path / "copied" / "catalogue.sqlite-shm").unlink()
    shutil.rmtree(tmp_path / "killed")
    engine = create_engine(f"sqlite:///{tmp_path}/older/catalogue.sqlite")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0007'")
    engine.dispose()
    damaged = tmp_path / "damaged"
    shutil.copytree(volume, damaged)
    engine = create_engine(f"sqlite:///{damaged}/catalogue.sqlite")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE images SET sha256 = 'another' WHERE id = '3'")
    engine.dispose()
    names = ("ended", "kept", "copied", "damaged", "older")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = run(tmp_path, "-c", VERIFY, *(f"{tmp_path}/{name}" for name in names))
    assert done.stdout.splitlines() == [
        "ended 6 []",
        "kept 7 []",
        "copied 7 []",
        "damaged 6 ['the entry of 3 (number 3) is not what was stored']",
        "older another release made the catalogue, and it is on a read-only volume: verify it with "
        "that release, or a copy of it with this one",
    ]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_the_command_verify_opens_a_read_only_volume(volume: Path) -> None:
    done = run(volume, "-m", "sidecar", "verify")
    assert (done.returncode, done.stdout) == (0, "6 images, nothing wrong\n")
    assert "Traceback" not in done.stderr


def test_a_volume_that_can_be_written_is_migrated_by_verify_as_before(
    volume: Path, tmp_path: Path
) -> None:
    shutil.copytree(volume, tmp_path / "copy")
    url = f"sqlite:///{tmp_path}/copy/catalogue.sqlite"
    catalogue = open_catalogue(url, 30.0, to_read=True)
    assert catalogue.images.count() == 6
    catalogue.removals.remove("3")
    assert catalogue.images.count() == 5
    catalogue.close()
