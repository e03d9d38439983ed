"""The pages' examples, as they stand but for the port, against the real stack."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import Stack
from tests.support.examples import API, examples, read, shape
from tests.support.versions import LABELS


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_examples_answer_as_shown(
    stack: Stack, collection: dict[str, bytes], tmp_path: Path
) -> None:
    name = next(name for name in collection if name.startswith("chelsea"))
    (tmp_path / "cat.jpg").write_bytes(collection[name])
    (tmp_path / "dog.jpg").write_bytes(collection[name])
    stack.command("backup", str(tmp_path / "backup"))
    shown = list(examples())
    assert len(shown) == 34
    task_id = ""
    # The model knows another keyword, and far more images have it than one page shows.
    keyword = LABELS["tiny"][0]
    [score] = stack.get(f"/similarity/images?keyword={keyword}&limit=1").json()["scores"]
    for command, expected in shown:
        real = command.replace("http://127.0.0.1:5000", stack.url).replace("TASK_ID", task_id)
        real = re.sub("tab(by)?", keyword, real).replace("min_score=0.1", f"min_score={score}")
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
    [script] = re.findall(r"```python\n(.*?)```", API, re.S)
    for name, file in zip(("cat.jpg", "dog.jpg"), collection.values(), strict=False):
        (tmp_path / name).write_bytes(file)
    real = script.replace("http://127.0.0.1:5000", stack.url)
    command = [sys.executable, "-c", real]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[{'status': 'ok', 'id': 'cat-2'}, {'status': 'ok', 'id': 'dog-1'}]\n"
