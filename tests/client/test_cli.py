"""The command as a whole: its help, its rules, and what it does without a service."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from similarity_client.cli.commands import COMMANDS
from similarity_client.cli.exits import MEANINGS
from similarity_client.version import VERSION

from local.ports import free_ports
from local.stack import ROOT
from tests.client.command import Command, refused
from tests.client.peer import error, in_turn, ok, peer

NAMES = [str(command.name) for command in COMMANDS]
PAGE = (ROOT / "docs" / "client.md").read_text()


@pytest.fixture
def alone(tmp_path: Path) -> Command:
    """The command, without a service."""
    return Command(f"http://127.0.0.1:{free_ports(1)[0]}", tmp_path)


def parameters(command: click.Command) -> Iterator[str]:
    for each in command.params:
        yield from each.opts


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_subcommand_has_an_example_json_and_its_place_in_the_page(
    alone: Command, command: click.Command
) -> None:
    name = str(command.name)
    shown = alone(name, "--help").stdout
    assert re.search(rf"^ +(.*\W)?similarity {name}\b", shown.split("Options:")[0], re.M), shown
    assert "--json" in set(parameters(command))
    assert f"`similarity {name}" in PAGE
    assert command.get_short_help_str(62).endswith("."), "too long for the list"
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), option.name


def test_the_help_has_every_subcommand_and_exit_code(alone: Command) -> None:
    result = alone("--help")
    assert result.exit_code == 0
    for name in NAMES:
        assert re.search(rf"^  {name} +\w", result.stdout, re.M)
    for code, meaning in MEANINGS.items():
        assert f"{code.value}  {meaning}" in result.stdout
    assert alone("-h").stdout == result.stdout
    assert alone("--version").stdout == f"similarity {VERSION}\n"
    without = alone()
    assert (without.exit_code, without.stdout) == (2, "")
    assert "Commands:" in without.stderr


LINES = [
    "nonsense",
    "--nonsense",
    "stats nonsense",
    "stats --timeout 0",
    "stats --timeout soon",
    "stats --retries -1",
    "stats --url ftp://there",
    "stats --url",
    "stats --key ké",
    "search",
    "search no-such-file.jpg",
    "search .",
    "search - -",
    "search --id a --filter {",
    "search --id a --filter [1]",
    "search --id a --box 1,2,3",
    "search --id a --box a,b,c,d",
    "search --id a --id b --box 0,0,1,1",
    "search --id a --num-results many",
    "explain a",
    "explain a b c",
    "explain --file no-such-file.jpg a",
    "get",
    "get a b",
    "ls --limit 0",
    "ls --min-score 0.5",
    "rm",
    "rm a b",
    "rm -",
    "thumbnail a --json",
    "task",
    "cancel",
    "tasks --limit few",
    "upgrade",
    "upgrade two",
    "upgrade 0",
    "upgrade 2",
    "upgrade 2 --cancel",
    "upgrade --estimate",
    "upgrade --cancel --estimate",
    "retire",
    "retire 1",
    "completion",
    "completion tcsh",
]


@pytest.mark.parametrize("line", LINES)
def test_a_wrong_line_is_one_line_of_stderr_and_code_2(alone: Command, line: str) -> None:
    refused(alone(*line.split(" ")), 2, "--help")


ASKING = [
    *("stats", "health", "models", "tasks", "keywords", "ls", "open", "train", "update"),
    *(
        "rollback",
        "upgrade 2 -y",
        "upgrade 2 --estimate",
        "upgrade --cancel",
        "retire 1 -y",
        "explain a b",
        "get a",
        "rm a",
        "rm a b -y",
    ),
    *("thumbnail a -o never", "task a", "cancel a", "search --id a", "login --key k"),
]


@pytest.mark.parametrize("line", ASKING)
def test_a_service_that_is_away_is_named_with_code_3(alone: Command, line: str) -> None:
    result = alone(*line.split(" "), "--retries", "0")
    refused(result, 3, f"no answer from {alone.url}: connection refused")


def test_errors_of_the_service_end_with_their_codes(tmp_path: Path) -> None:
    for status, word, code in (
        (401, "key_required", 4),
        (403, "scope_missing", 4),
        (400, "wrong_arguments_format", 2),
        (404, "unknown_path", 2),
        (404, "unknown_task_id", 1),
        (409, "switch_refused", 1),
        (429, "rate_limited", 3),
        (500, "unknown_error", 3),
        (503, "too_busy", 3),
        (507, "storage_full", 3),
    ):
        with peer(in_turn(error(status, word))) as served:
            result = Command(served.url, tmp_path)("stats", "--retries", "0")
            refused(result, code, f"{word}: a sentence on {word}")


def test_what_is_no_answer_of_the_service_is_one_line(tmp_path: Path) -> None:
    with peer(in_turn(ok())) as served:
        refused(Command(served.url, tmp_path)("stats"), 1, "none of this service")


def test_a_newer_service_is_a_note_on_stderr(tmp_path: Path) -> None:
    release = ok(version="9.0.0", api=9, model=None, features={})
    with peer(in_turn(ok(tasks=[]), release)) as served:
        result = Command(served.url, tmp_path)("tasks", "--json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("note: the service is release 9.0.0")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_subcommands_and_options(alone: Command, shell: str) -> None:
    result = alone("completion", shell)
    assert result.exit_code == 0
    assert "_SIMILARITY_COMPLETE" in result.stdout
    [found] = alone.json("completion", shell)
    assert found == {"shell": shell, "script": result.stdout.removesuffix("\n")}
    completed = alone(
        _SIMILARITY_COMPLETE="bash_complete", COMP_WORDS="similarity upg", COMP_CWORD="1"
    )
    assert completed.stdout == "plain,upgrade\n"


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_its_packages_it_says_what_to_install(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; "
    code += "from similarity_client.cli import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 1
    needed = "the command needs: pip install 'similarity-client[cli]'"
    assert done.stderr == f"{missing} is missing; {needed}\n"
