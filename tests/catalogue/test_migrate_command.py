"""`python -m sidecar migrate`, as a job runs it before the pods of a release start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from local.stack import ROOT
from sidecar.catalogue.migration import NEWEST
from tests.support.databases import upgrade_to

pytestmark = pytest.mark.long


def migrate(url: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Runs it with nothing but the catalogue's address; DATA_DIR is not there."""
    return subprocess.run(
        [sys.executable, "-m", "sidecar", "migrate"],
        cwd=ROOT,
        env=os.environ | {"CATALOGUE_URL": url, "DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def revision(url: str) -> str:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = str(connection.scalar(text("SELECT version_num FROM alembic_version")))
    engine.dispose()
    return found


def test_it_makes_the_tables_and_once_more_changes_nothing(
    database_url: str, tmp_path: Path
) -> None:
    for _ in range(2):
        done = migrate(database_url, tmp_path / "none")
        assert (done.returncode, done.stdout) == (0, "the catalogue is up to date\n")
        assert revision(database_url) == NEWEST
    assert not (tmp_path / "none").exists()


def test_it_brings_the_catalogue_of_an_older_release_up_to_date(
    database_url: str, tmp_path: Path
) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        upgrade_to(connection, "0003")
    engine.dispose()
    assert revision(database_url) == "0003"
    assert migrate(database_url, tmp_path / "none").returncode == 0
    assert revision(database_url) == NEWEST


def test_it_refuses_the_catalogue_of_a_newer_release(database_url: str, tmp_path: Path) -> None:
    migrate(database_url, tmp_path / "none")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    done = migrate(database_url, tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert "made by a newer release" in done.stderr
