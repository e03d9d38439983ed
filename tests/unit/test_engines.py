"""Which engine `make check-deploy` takes: the machine's own, where one answers and has Compose."""

from pathlib import Path

import pytest

from deploy.check import engines
from deploy.check.progress import Failed

ANSWERS = {
    "docker": 'case "$1" in info) echo \'["name=seccomp"]\';; compose) [ "$2" = version ];; esac',
    "podman": 'case "$1" in info) echo rootless=false;; compose) [ "$2" = version ];; esac',
    "no-daemon": 'case "$1" in info) echo; echo "no daemon" >&2; exit 1;; esac',
    "no-compose": "case \"$1\" in info) echo '[]';; *) exit 1;; esac",
    "rootless-docker": 'echo \'["name=seccomp","name=rootless"]\'',
    "rootless-podman": "echo rootless=true",
    "compose": "true",
    "hanging": "exec sleep 60",
}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH besides the shell's."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin/nowhere")
    monkeypatch.setattr(engines, "ANSWER_TIMEOUT_S", 2)
    return tmp_path


def put(folder: Path, **kinds: str) -> None:
    """Programs by their names, with `_` for `-`, and how each answers."""
    for name, kind in kinds.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{ANSWERS[kind]}\n")
        path.chmod(0o755)


def test_without_a_docker_or_podman_there_is_none(programs: Path) -> None:
    assert engines.find() is None


@pytest.mark.parametrize("kind", ["no-daemon", "no-compose", "rootless-docker", "hanging"])
def test_a_docker_that_can_not_run_the_stack_is_none(programs: Path, kind: str) -> None:
    put(programs, docker=kind)
    assert engines.find() is None


@pytest.mark.parametrize(
    ("kinds", "program", "compose"),
    [
        ({"docker": "docker"}, "docker", ("docker", "compose")),
        ({"docker": "no-compose", "docker_compose": "compose"}, "docker", ("docker-compose",)),
        ({"docker": "docker", "podman": "podman"}, "docker", ("docker", "compose")),
        ({"docker": "no-daemon", "podman": "podman"}, "podman", ("podman", "compose")),
        ({"podman": "no-compose", "podman_compose": "compose"}, "podman", ("podman-compose",)),
    ],
)
def test_the_engine_that_answers_is_taken_with_its_compose(
    programs: Path, kinds: dict[str, str], program: str, compose: tuple[str, ...]
) -> None:
    put(programs, **kinds)
    found = engines.find()
    assert found is not None
    assert (found.program, found.compose) == (program, compose)


def test_a_podman_without_root_is_none(programs: Path) -> None:
    put(programs, podman="rootless-podman")
    assert engines.find() is None


def test_what_an_engine_can_not_do_is_said_in_its_own_words(programs: Path) -> None:
    put(programs, docker="docker")
    engine = engines.find()
    assert engine is not None
    put(programs, docker="no-daemon")
    with pytest.raises(Failed, match="no daemon"):
        engine.call("info")
