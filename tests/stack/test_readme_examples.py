"""The README's examples, as they stand but for the port, against the real stack."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.stack import ROOT, Stack

README = (ROOT / "README.md").read_text()


def examples() -> Iterator[tuple[str, Any]]:
    """Each curl block with the answer that the README shows for it: one value, or one a line."""
    block = r"```sh\n(curl .*?)\n```\n```(json|ndjson)\n(.*?)\n```"
    for command, kind, answer in re.findall(block, README, re.S):
        yield command, read(answer, lines=kind == "ndjson")


def read(answer: str, lines: bool) -> Any:
    return [json.loads(line) for line in answer.splitlines()] if lines else json.loads(answer)


def shape(value: Any) -> Any:
    """What of an answer must be the same each time: its keys, its types, its fixed words."""
    if isinstance(value, dict):
        fixed = {"status", "message", "kind"}
        return {k: v if k in fixed else shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return float if isinstance(value, int | float) else type(value)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_examples_answer_as_shown(
    stack: Stack, collection: dict[str, bytes], tmp_path: Path
) -> None:
    name = next(name for name in collection if name.startswith("chelsea"))
    (tmp_path / "cat.jpg").write_bytes(collection[name])
    (tmp_path / "dog.jpg").write_bytes(collection[name])
    shown = list(examples())
    assert len(shown) == 12
    task_id = ""
    for command, expected in shown:
        real = command.replace("http://127.0.0.1:5000", stack.url).replace("TASK_ID", task_id)
        done = subprocess.run(
            ["sh", "-c", f"{real} -sS"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        answer = read(done.stdout, lines=isinstance(expected, list))
        assert shape(answer) == shape(expected), command
        if isinstance(answer, dict) and answer["status"] == "ongoing":
            task_id = answer["task_id"]
            stack.finish(task_id)


def test_the_python_example_adds_both(
    stack: Stack, collection: dict[str, bytes], tmp_path: Path
) -> None:
    [script] = re.findall(r"```python\n(.*?)```", README, re.S)
    for name, file in zip(("cat.jpg", "dog.jpg"), collection.values(), strict=False):
        (tmp_path / name).write_bytes(file)
    real = script.replace("http://127.0.0.1:5000", stack.url)
    command = [sys.executable, "-c", real]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[{'status': 'ok', 'id': 'cat-2'}, {'status': 'ok', 'id': 'dog-1'}]\n"
