"""One stack on a volume, of as many processes as it likes; a restore alone; nothing for others."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.stack import ROOT
from sidecar import volume
from sidecar.errors import BackupRefused, SettingsError
from sidecar.settings import from_environment
from tests.support.house import House

# A process that holds the volume, and a child forked from it, as gunicorn and RQ fork theirs.
HOLDS = """
import os, sys, time
from pathlib import Path
from sidecar import volume

with volume.held(Path(sys.argv[1]), sys.argv[2], "serve"):
    child = os.fork()
    if child:
        print(child, flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(folder: Path, stack: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-c", HOLDS, str(folder), stack]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        yield process, child
    finally:
        process.kill()
        process.wait()
        os.kill(child, signal.SIGKILL)
        process.stdout.read()  # ends with the child
        process.stdout.close()


def environment(folder: Path, **settings: str) -> dict[str, str]:
    return os.environ | {"DATA_DIR": str(folder), "METRICS_PORT": "0"} | settings


def sidecar(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidecar", *words],
        cwd=ROOT,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        check=False,
    )


def test_processes_of_one_stack_share_a_volume_and_another_stack_is_refused(
    tmp_path: Path,
) -> None:
    with holder(tmp_path, "Redis A") as (process, _):
        with volume.held(tmp_path, "Redis A", "worker"):
            pass
        with (
            pytest.raises(SettingsError, match=rf"Redis A.*`serve`, process {process.pid} on"),
            volume.held(tmp_path, "Redis B", "serve"),
        ):
            pytest.fail("two stacks on one volume")
    with volume.held(tmp_path, "Redis B", "serve"):
        assert json.loads((tmp_path / volume.FILE).read_text())["stack"] == "Redis B"


def test_a_child_that_outlives_its_service_still_holds_the_volume(tmp_path: Path) -> None:
    with holder(tmp_path, "Redis A") as (process, _):
        process.kill()
        process.wait()
        with pytest.raises(BackupRefused, match="stop all sidecars"), volume.alone(tmp_path):
            pytest.fail("restored beside a service")
    with volume.alone(tmp_path):
        pass


def test_a_service_does_not_start_during_a_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "PATIENCE_S", 0.1)
    with (
        volume.alone(tmp_path),
        pytest.raises(SettingsError, match="in use by a restore"),
        volume.held(tmp_path, "Redis A", "serve"),
    ):
        pytest.fail("started during a restore")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        (
            {"REDIS_URL": "redis://:one@LOCALHOST/0"},
            {"REDIS_URL": "redis://127.0.0.1:6379/0"},
            True,
        ),
        ({"REDIS_URL": "redis://redis:6379/0"}, {"REDIS_URL": "redis://redis:6379/1"}, False),
        ({"CATALOGUE_URL": "postgresql+psycopg://me:secret@db/one"}, {}, False),
    ],
)
def test_a_stack_is_known_by_its_catalogue_and_its_redis(
    one: dict[str, str],
    other: dict[str, str],
    same: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stacks = []
    for variables in (one, other):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            stacks.append(from_environment().stack)
    assert (stacks[0] == stacks[1]) == same
    assert "secret" not in "".join(stacks)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup that the command itself made, with the widest umask."""
    house = House(tmp_path / "house", exact_max=10**6)
    house.add(1, 1000)
    house.run("train")
    house.catalogue.close()
    before = os.umask(0)
    try:
        made = sidecar(tmp_path / "house", "backup", str(tmp_path / "copy"))
    finally:
        os.umask(before)
    assert made.returncode == 0, made.stderr
    return tmp_path / "copy"


def test_a_restore_is_refused_beside_a_service_and_all_it_makes_is_the_owners(
    tmp_path: Path, backup: Path
) -> None:
    data = tmp_path / "data"
    with holder(data, "Redis A"):
        refused = sidecar(data, "restore", str(backup))
        assert refused.returncode == 1
        assert "in use by a stack with Redis A" in refused.stderr
        assert not (data / "catalogue.sqlite").exists()
    restored = sidecar(data, "restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    for path in (*backup.rglob("*"), *data.rglob("*"), backup):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_second_stack_on_a_volume_does_not_start(tmp_path: Path, command: str) -> None:
    with holder(tmp_path, from_environment(redis_url="redis://127.0.0.1:1/0").stack):
        refused = sidecar(tmp_path, command, REDIS_URL="redis://127.0.0.1:2/0")
        assert refused.returncode == 1
        [line] = refused.stderr.strip().splitlines()
        assert "127.0.0.1:1/0" in line
        assert "127.0.0.1:2/0" in line
        assert not (tmp_path / "catalogue.sqlite").exists()
