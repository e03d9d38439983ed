"""The README, held against the code; stack/test_readme_examples.py runs what it shows."""

import re
from pathlib import Path

from falcon import inspect

from local.stack import ROOT
from sidecar import answers, errors
from sidecar.app import create_app
from sidecar.dial import PROMISES
from sidecar.settings import Settings, from_environment

README = (ROOT / "README.md").read_text()


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_setting_is_documented_as_it_is() -> None:
    documented = [tuple(row) for row in table("Settings")]
    assert documented == [
        (f"`{name.upper()}`", f"`{field.default}`", field.description)
        for name, field in Settings.model_fields.items()
    ]


def test_the_promises_of_nprob_are_documented_as_they_are() -> None:
    head, promises = README.split("| `NPROB` | 1 ")[1].splitlines()[0:3:2]
    documented = zip([1, *numbers(head)], numbers(promises), strict=True)
    assert dict(documented) == PROMISES


def numbers(row: str) -> list[float]:
    return [float(cell) for cell in row.split("|") if re.fullmatch(r" [0-9.]+ ", cell)]


def test_every_error_is_documented_with_its_status() -> None:
    documented = {(int(row[0]), row[1].strip("`")) for row in table("When something is wrong")}
    http = set(answers.HTTP_WORDS.items())
    known = {(status, kind.word) for kind, status in answers.STATUSES.items()}
    assert documented == known | http | {(500, errors.SimilarityError.word)}


def test_every_call_is_documented(tmp_path: Path) -> None:
    app = create_app(from_environment(data_dir=tmp_path))
    text = " ".join(" ".join(row) for row in table("All calls"))
    documented = {path.split("?")[0] for path in re.findall(r"`[A-Zor ]*(/[^`]+)`", text)}
    assert documented == {route.path for route in inspect.inspect_routes(app)}
