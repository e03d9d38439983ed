"""Reads what the pages for clients show: commands, and the shape of their answers."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.stack import ROOT

README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "API.md").read_text()
CLIENT = (ROOT / "docs" / "client.md").read_text()
MODELS = (ROOT / "docs" / "models.md").read_text()


def examples() -> Iterator[tuple[str, Any]]:
    """Yields each curl block with the answer that a page shows: one value, or one a line.

    They are one story, which the README begins.
    """
    block = r"```sh\n(curl .*?)\n```\n```(json|ndjson)\n(.*?)\n```"
    for command, kind, answer in re.findall(block, README + API + MODELS, re.S):
        yield command, read(answer, lines=kind == "ndjson")


def client_examples() -> list[str]:
    """Returns the blocks of the client's page, which go on one after the other."""
    return re.findall(r"```python\n(.*?)```", CLIENT, re.S)


def read(answer: str, lines: bool) -> Any:
    return [json.loads(line) for line in answer.splitlines()] if lines else json.loads(answer)


def shape(value: Any) -> Any:
    """Returns what of an answer is the same each time: its keys, types and fixed words."""
    if isinstance(value, dict):
        fixed = {"status", "message", "kind"}
        return {k: v if k in fixed else shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return float if isinstance(value, int | float) else type(value)


def environment(url: str) -> dict[str, str]:
    """Returns the environment of a program that uses the client, as the tests have it."""
    paths = [f"{ROOT / 'client' / 'src'}", f"{ROOT}", *sys.path]
    return {"SIMILARITY_URL": url, "PYTHONPATH": ":".join(paths)}


def run_example(
    name: str, folder: Path, url: str, *words: str
) -> "subprocess.CompletedProcess[str]":
    """Runs one of `examples/` in a folder, with a warning as an error."""
    command = [sys.executable, "-W", "error", f"{ROOT / 'examples' / name}", *words]
    return subprocess.run(
        command, cwd=folder, env=environment(url), capture_output=True, text=True, check=False
    )
