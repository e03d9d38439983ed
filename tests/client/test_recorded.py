"""The session that docs/client.md shows is what the lines print, but for figures and ids."""

import re
import shlex
from pathlib import Path

import pytest

from tests.client.command import Command
from tests.support.examples import CLIENT

# A terminal without styles; and what is another each time.
TERMINAL = {"FORCE_COLOR": "1", "TERM": "dumb"}
VARIES = (
    (r"\x1b\[[\d;?]*[a-zA-Z]", ""),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "TASK"),
    (r"\b[0-9a-f]{32}-\d{3}\b", "ID"),  # of an image that another test has added
    (r"\b[0-9a-f]{32}\b", "REQUEST"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME"),
    (r"\b[a-z_]+-\d{4}\b", "ID"),
    (r"\d[\d.,]*", "N"),
    (r"─+", "─"),
    (r"[ \t]+", " "),
)


def recorded() -> list[tuple[str, str]]:
    """The lines of the session, each with what it printed."""
    [session] = re.findall(r"```console\n(.*?)```", CLIENT, re.S)
    lines = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.M)
    assert lines
    return [(str(line), str(printed)) for line, printed in lines]


def alike(printed: str) -> list[str]:
    for pattern, word in VARIES:
        printed = re.sub(pattern, word, printed)
    return [line.strip() for line in printed.splitlines() if line.strip()]


def test_the_recorded_session_is_what_the_command_prints(
    command: Command,
    collection: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cat.jpg").write_bytes(collection["chelsea-0000"])
    for line, printed in recorded():
        _, *words = shlex.split(line)
        result = command(*words, given=b"", **TERMINAL)
        assert alike(result.output) == alike(printed), f"$ {line}\n{result.output}"
