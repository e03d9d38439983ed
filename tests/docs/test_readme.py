"""The README and the pages for clients, held against the code.

stack/test_examples.py runs what they show.
"""

import re
from pathlib import Path

from falcon import inspect

from local.stack import ROOT
from sidecar import errors
from sidecar.http import error_handlers as answers
from sidecar.http.app import create_app
from sidecar.http.resources import adding, listings
from sidecar.http.resources import duplicates as duplicate_resources
from sidecar.http.resources import tasks as task_resources
from sidecar.index.nprob import RECALL_TARGETS
from sidecar.index.request import PAGED
from sidecar.settings import MOST_NPROB, MOST_RESULTS, Settings, from_environment
from tests.support.examples import API, README, client_examples, examples

SETTINGS = (ROOT / "docs" / "settings.md").read_text()


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    section = page.split(f"# {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def test_every_setting_is_documented_as_it_is() -> None:
    documented = [tuple(row) for row in table(SETTINGS, "Settings")]
    assert documented == [
        (f"`{name.upper()}`", f"`{field.default}`", field.description)
        for name, field in Settings.model_fields.items()
    ]


def test_the_promises_of_nprob_are_documented_as_they_are() -> None:
    head, promises = API.split("| `NPROB` | 1 ")[1].splitlines()[0:3:2]
    documented = zip([1, *numbers(head)], numbers(promises), strict=True)
    assert dict(documented) == RECALL_TARGETS


def numbers(row: str) -> list[float]:
    return [float(cell) for cell in row.split("|") if re.fullmatch(r" [0-9.]+ ", cell)]


def test_every_error_is_documented_with_its_status() -> None:
    documented = {(int(row[0]), row[1].strip("`")) for row in table(API, "Errors")}
    http = set(answers.HTTP_WORDS.items())
    known = {(status, kind.word) for kind, status in answers.STATUSES.items()}
    assert documented == known | http | {(500, errors.SimilarityError.word)}


def test_every_call_is_documented(tmp_path: Path) -> None:
    app = create_app(from_environment(data_dir=tmp_path))
    text = " ".join(" ".join(row) for row in table(README, "All calls"))
    documented = {path.split("?")[0] for path in re.findall(r"`[A-Zor ]*(/[^`]+)`", text)}
    assert documented == {route.path for route in inspect.inspect_routes(app)}


def test_the_range_of_every_parameter_is_documented_as_it_is() -> None:
    documented = {row[0]: row[1] for row in table(API, "Parameters")}
    assert set(documented) == {
        *(
            f"`{name}`"
            for name in (
                "num_results",
                "nprob",
                "max_dist",
                "box",
                "unlike_weight",
                "top_k",
                "after",
                "keyword",
                "min_score",
                "prefix",
            )
        ),
        *(f"`{name}`" for name in ("keyword_threshold", "version", "wait", "overwrite", "id_from")),
        *(f"`{name}`" for name in ("filter", "offset", "group_by", "group_size", "fields")),
        "`metadata`",
        *("`report_similar`", "`unique`"),
        "`order` of images",
        "`order` of a search",
        "`limit` of images",
        "`limit` of keywords",
        "`limit` of tasks",
        "`limit` of duplicates",
        "`class`",
        "`probability`",
    }
    for name, most in {
        "`num_results`": MOST_RESULTS,
        "`top_k`": MOST_RESULTS,
        "`group_size`": MOST_RESULTS,
        "`nprob`": MOST_NPROB,
        "`limit` of images": listings.MOST_IDS,
        "`limit` of keywords": listings.MOST_KEYWORDS,
        "`limit` of tasks": task_resources.MOST_TASKS,
        "`limit` of duplicates": duplicate_resources.MOST_GROUPS,
        "`report_similar`": adding.MOST_SIMILAR,
    }.items():
        assert documented[name] == f"1 to {most}"
    assert documented["`offset`"] == f"0 to {PAGED}"
    assert documented["`wait`"] == f"0 to {task_resources.MOST_WAIT_S}"


def test_every_variable_of_the_local_stack_is_documented_as_it_is() -> None:
    code = "".join(path.read_text() for path in (ROOT / "local").glob("*.py"))
    for variable, default, _ in table(SETTINGS, "The local stack alone"):
        name, value = variable.strip("`"), default.strip("`")
        assert re.search(rf'"{name}", "?{re.escape(value)}"?[,)]', code), name


def test_every_block_of_every_page_is_executed() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    kinds = [kind for page in pages for kind in re.findall(r"```(.+)\n", page.read_text())]
    shown = len(list(examples()))
    assert kinds.count("sh") == kinds.count("json") + kinds.count("ndjson") == shown
    assert kinds.count("python") == 1 + len(client_examples())
    assert kinds.count("console") == 1  # client/test_recorded.py runs it
    assert set(kinds) == {"sh", "json", "ndjson", "python", "console"}
