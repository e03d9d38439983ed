"""The subcommands about versions of the model, over a stack with two of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack
from tests.client.command import Command, refused
from tests.conftest import Trained
from tests.support.versions import put


@pytest.fixture(scope="module")
def versions(
    tmp_path_factory: pytest.TempPathFactory, tiny: Path, trained: Trained
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("switching")
    shutil.copytree(tiny, folder / "models")
    put("small-32", 2, folder / "models")
    (folder / "data").mkdir()
    models = f"{folder}/models"
    with trained(folder / "data", MODEL_REPOSITORY=models, HTTP_PROCESSES="1") as stack:
        yield stack


@pytest.fixture
def command(versions: Stack, tmp_path: Path) -> Command:
    return Command(versions.url, tmp_path)


def in_use(command: Command) -> list[int]:
    return [each["version"] for each in command.json("models") if each["in_use"]]


def test_an_upgrade_is_cancelled(command: Command, versions: Stack) -> None:
    refused(command("upgrade", "--cancel"), 1, "switch_refused")
    versions.kill("worker")
    try:
        [begun] = command.json("upgrade", "2", "--yes")
        assert command.json("upgrade", "--cancel") == [{"task_id": begun["task_id"]}]
        assert command("task", begun["task_id"], "--wait").exit_code == 5
    finally:
        versions.start("worker")


@pytest.mark.release
@pytest.mark.long
def test_a_version_comes_into_use_and_goes_again(command: Command) -> None:
    assert in_use(command) == [1]
    first, second = command("models").stdout.splitlines()
    assert first.split("\t")[:3] == ["1", "yes", "yes"]
    assert second.split("\t")[:4] == ["2", "no", "yes", "0"]
    refused(command("rollback"), 1, "switch_refused")
    [would] = command.json("upgrade", "2", "--estimate")
    assert (would["version"], would["images"]) == (2, 1050)
    assert would["bytes"] == would["features_bytes"] + would["index_bytes"] > 0
    shown = dict(
        line.split("\t") for line in command("upgrade", "2", "--estimate").stdout.splitlines()
    )
    assert (shown["images"], "takes" in shown) == ("1,050", would["hours"] is not None)
    code, asked = command.on_terminal("upgrade", "2", typed="n\n")
    assert (code, "embeds 1,050 images, writes " in asked) == (1, True), asked
    refused(command("upgrade", "2"), 2, "say --yes")
    assert in_use(command) == [1]
    [ended] = command.json("upgrade", "2", "--yes", "--wait")
    assert (ended["kind"], ended["status"], ended["version"]) == ("upgrade", "ok", 2)
    assert in_use(command) == [2]
    [ended] = command.json("rollback", "--wait")
    assert (ended["kind"], ended["status"]) == ("rollback", "ok")
    assert in_use(command) == [1]
    code, asked = command.on_terminal("retire", "2", "--wait", typed="y\n")
    assert (code, "Forget version 2" in asked) == (0, True), asked
    assert len(command.json("models")) == 1
    refused(command("retire", "2", "--yes"), 1, "unknown_version")
    refused(command("upgrade", "9", "--yes"), 1, "unknown_version")
    refused(command("upgrade", "9", "--estimate"), 1, "unknown_version")
