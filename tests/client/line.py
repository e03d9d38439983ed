"""Runs lines of the command `similarity` in this process."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from similarity_client.cli.root import root

EMPTY_HOME = {"HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent", "SIMILARITY_KEY": ""}


def similarity(url: str, *words: str | Path, stdin: bytes = b"") -> Result:
    """What a line of the command comes to: its exit code, stdout and stderr."""
    env = EMPTY_HOME | {"SIMILARITY_URL": url}
    return CliRunner().invoke(root, [str(word) for word in words], input=stdin, env=env)


def lines(result: Result) -> list[dict[str, Any]]:
    """The lines of JSON on stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def states(result: Result) -> dict[str, str]:
    """What has become of the images of `add --json`, by id; by path where one got none."""
    found = [line for line in lines(result) if "path" in line]
    return {line["id"] or line["path"]: line.get("word") or line["state"] for line in found}
