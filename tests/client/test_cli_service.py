"""The subcommands about the service, and those that begin, show and end tasks."""

import re
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from similarity_client import Similarity

from local.stack import Stack
from tests.client.command import Command, refused
from tests.client.peer import Answer, Asked, error, ok, peer
from tests.support.calls import picture, unused


@contextmanager
def without_worker(served: Stack) -> Iterator[None]:
    """Tasks wait in this block."""
    served.kill("worker")
    try:
        yield
    finally:
        served.start("worker")


def test_the_figures_of_the_service(command: Command, similarity: Similarity) -> None:
    stats = similarity.stats()
    [found] = command.json("stats")
    assert found["images"] == stats.images
    assert found["recall"][0]["nprob"] == stats.recall[0].nprob
    assert found["last_task"]["kind"]
    shown = dict(line.split("\t") for line in command("stats").stdout.splitlines())
    assert shown["images"] == f"{stats.images:,}"
    assert shown["recall by nprob"].startswith(f"1: {stats.recall[0].recall:.3f}, ")
    assert shown["model"] == "1"


@pytest.mark.long
def test_the_last_backup_is_among_the_figures(
    command: Command, similarity: Similarity, served: Stack, tmp_path: Path
) -> None:
    served.command("backup", str(tmp_path / "copy"))
    stats = similarity.stats()
    assert stats.last_backup is not None
    assert stats.last_backup.images == stats.images
    page = similarity.metrics().text
    [at] = re.findall(r"^similarity_last_backup_timestamp_seconds (.*)$", page, re.M)
    assert float(at) == stats.last_backup.at
    shown = dict(line.split("\t") for line in command("stats").stdout.splitlines())
    begun = datetime.fromisoformat(shown["last backup"]).timestamp()
    assert begun == int(stats.last_backup.at)


def test_health_is_code_3_where_a_part_is_away(
    command: Command, similarity: Similarity, served: Stack
) -> None:
    assert "catalogue\tok\n" in command("health").stdout
    assert command.json("health")[0]["ok"] is True
    served.kill("redis")
    try:
        served.wait(lambda: not similarity.ready().ok, "the queue is missed")
        [found] = command.json("health", code=3)
        assert (found["ok"], found["parts"]["catalogue"]) == (False, "ok")
    finally:
        served.start("redis")
        served.wait_ready()


def test_open_shows_a_url_of_the_service(command: Command, tmp_path: Path) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    process = command.begun("open", BROWSER=f"{browser} %s")
    out, said = process.communicate()
    url = f"{command.url}/ui/"
    assert (process.returncode, out, said) == (0, f"url\t{url}\n", "")
    assert opened.read_text() == f"{url}\n"
    process = command.begun("open", "--json", BROWSER="false %s")
    out, said = process.communicate()
    assert (process.returncode, out) == (0, f'{{"url": "{url}"}}\n')
    assert said == f"there is no browser here: open {url} yourself\n"


# Tasks


def test_an_update_is_begun_and_waited_for(command: Command, similarity: Similarity) -> None:
    similarity.add(picture(40), unused())
    begun = command("update")
    assert begun.exit_code == 0
    shown = dict(line.split("\t") for line in begun.stdout.splitlines())
    assert shown["status"] == "ongoing"
    assert begun.stderr == f"it goes on: similarity task {shown['task']} --wait\n"
    [ended] = command.json("task", shown["task"], "--wait")
    assert (ended["status"], ended["kind"], ended["progress"]) == ("ok", "update", 1.0)
    assert "recall_at_10" in ended["report"]
    waited = command("update", "--wait")
    assert (waited.exit_code, "generation\t" in waited.stdout) == (0, True)
    assert waited.stderr.startswith("waiting for task ")
    [newest] = command.json("tasks", "--limit", "1")
    assert newest["kind"] == "update"
    assert newest["task_id"] in command("tasks", "--limit", "1").stdout
    refused(command("cancel", newest["task_id"]), 1, "task_finished")
    refused(command("task", "none"), 1, "unknown_task_id")
    refused(command("cancel", "none"), 1, "unknown_task_id")
    refused(command("tasks", "--limit", "1000"), 2, "wrong_arguments_format")


@pytest.mark.long
def test_a_training_is_waited_for_on_a_terminal(command: Command) -> None:
    code, shown = command.on_terminal("train", "--wait")
    assert code == 0
    assert "waiting for task " in shown
    assert "100%" in shown
    assert "generation" in shown


def test_a_task_that_is_cancelled_ends_its_waiting_with_code_5(
    command: Command, served: Stack
) -> None:
    with without_worker(served):
        process = command.begun("train", "--wait", "--json")
        assert process.stderr is not None
        task_id = process.stderr.readline().split()[-1]
        assert command("task", task_id).stdout.splitlines()[0] == f"task\t{task_id}"
        assert command("cancel", task_id).stdout == f"cancelled\t{task_id}\n"
        out, said = process.communicate()
    assert process.returncode == 5
    assert f'"task_id": "{task_id}"' in out
    assert said.startswith(f"error: train {task_id}: cancelled")
    assert command("task", task_id).exit_code == 0
    again = command("task", task_id, "--wait")
    assert (again.exit_code, again.stdout) == (5, "")


@pytest.mark.long
def test_ctrl_c_leaves_the_task_running_and_says_so(
    command: Command, similarity: Similarity, served: Stack
) -> None:
    with without_worker(served):
        process = command.begun("update", "--wait")
        assert process.stderr is not None
        task_id = process.stderr.readline().split()[-1]
        process.send_signal(signal.SIGINT)
        out, said = process.communicate()
        assert (process.returncode, out) == (130, "")
        assert said == f"the task goes on: similarity task {task_id} --wait\n\ninterrupted\n"
        assert not similarity.status(task_id).ended
    assert similarity.wait(task_id).status == "ok"


# What is saved


def keyed(asked: Asked) -> Answer:
    """A service that asks for a key, and knows one."""
    if asked.headers.get("authorization") != "Bearer secret":
        return error(401, "key_required")
    if asked.path == "/similarity/me":
        return ok(name="shop", scopes=["read"])
    if asked.path == "/similarity/tasks":
        return ok(tasks=[])
    return ok(version="0.1.0", api=1, model=None, features={})


def test_login_saves_what_works_for_its_service_alone(tmp_path: Path) -> None:
    with peer(keyed) as served, peer(keyed) as other:
        command = Command("", tmp_path)
        given = f"{served.url}/\nsecret\n".encode()
        result = command("login", given=given)
        assert result.exit_code == 0, result.output
        assert "secret" not in result.output
        assert f"url\t{served.url}\nname\tshop\nscopes\tread\n" in result.stdout
        file = tmp_path / "similarity" / "login.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert command("tasks").exit_code == 0
        assert command("tasks", "--url", served.url).exit_code == 0
        refused(command("tasks", "--url", other.url), 4, "key_required")
        assert all("authorization" not in asked.headers for asked in other.asked)
        # What does not work leaves what was saved.
        refused(command("login", "--url", served.url, "--key", "wrong"), 4, "key_required")
        assert command("tasks").exit_code == 0
        assert command.json("login", "--forget") == [{"forgotten": True}]
        assert command.json("login", "--forget") == [{"forgotten": False}]
        refused(command("tasks", "--url", served.url), 4, "key_required")
        file.write_text("[")
        refused(command("tasks"), 1, "run similarity login again")
        [found] = command.json("login", "--url", served.url, "--key", "secret")
        assert found["name"] == "shop"
        assert command("tasks").exit_code == 0


def test_login_to_a_service_without_keys(command: Command, tmp_path: Path) -> None:
    [found] = command.json("login", given=b"\n")
    assert (found["url"], found["name"]) == (command.url, None)
    assert '"key": null' in (tmp_path / "similarity" / "login.json").read_text()


@pytest.mark.parametrize("given", [b"", b"ftp://there\n\n", b"http://127.0.0.1\n"])
def test_login_with_rubbish_saves_nothing(tmp_path: Path, given: bytes) -> None:
    result = Command("", tmp_path)("login", given=given)
    assert result.exit_code in (2, 130)
    assert not (tmp_path / "similarity").exists()
