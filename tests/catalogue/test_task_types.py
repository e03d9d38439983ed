"""Kinds, states and reports of tasks: types inside, the same strings as ever outside."""

import ast
import json
import subprocess
import sys
from typing import Any, get_type_hints

import pytest
from sqlalchemy import Connection, create_engine, insert, select, text

import sidecar.catalogue
from local.stack import ROOT
from sidecar.catalogue import (
    Agreement,
    Catalogue,
    EmbeddingProgress,
    FillingReport,
    IndexReport,
    RetirementReport,
    SwitchReport,
    TaskKind,
    TaskState,
    open_catalogue,
    to_json,
)
from sidecar.catalogue.dialects.dialect import Dialect
from sidecar.catalogue.dialects.postgresql import PostgreSQL
from sidecar.catalogue.dialects.sqlite import SQLite
from sidecar.catalogue.reports import Report, from_json
from sidecar.catalogue.schema import tasks
from tests.support.databases import upgrade_to

INDEX = {
    "recall_at_10": 0.96,
    "recall_at_least": 0.95,
    "warnings": [],
    "training_due": ["a recall is below its target"],
}
SWITCH = {"version": 2, "previous": 1}
# As the release before has written them, and answered with them, in this order.
WRITTEN: list[tuple[dict[str, Any], Report]] = [
    (INDEX, IndexReport(0.96, 0.95, [], INDEX["training_due"])),  # type: ignore[arg-type]
    (SWITCH, SwitchReport(2, 1)),
    ({"version": 2, "previous": None}, SwitchReport(2, None)),
    (
        INDEX | SWITCH | {"agreement_at_10": 0.75, "agreement_with": 1},
        SwitchReport(
            2,
            1,
            IndexReport(0.96, 0.95, [], INDEX["training_due"]),  # type: ignore[arg-type]
            Agreement(0.75, 1),
        ),
    ),
    (
        INDEX | SWITCH | {"agreement_at_10": None, "agreement_with": 1},
        SwitchReport(
            2,
            1,
            IndexReport(0.96, 0.95, [], INDEX["training_due"]),  # type: ignore[arg-type]
            Agreement(None, 1),
        ),
    ),
    ({"version": 2, "features_freed": 70}, RetirementReport(2, 70)),
    ({"version": 2, "with_keywords": 70}, FillingReport(2, 70)),
    (
        {"embedded": 5, "images": 9, "images_per_s": 2.5, "eta_s": 2},
        EmbeddingProgress(5, 9, 2.5, 2),
    ),
    (
        {"embedded": 0, "images": 9, "images_per_s": 0.0, "eta_s": None},
        EmbeddingProgress(0, 9, 0.0, None),
    ),
]

INSIDE = ("database", "connections")  # of a catalogue, of a transaction


@pytest.mark.parametrize(("written", "report"), WRITTEN)
def test_a_report_of_the_release_before_is_read_and_answered_as_it_was(
    catalogue_url: str, written: dict[str, Any], report: Report
) -> None:
    catalogue = open_catalogue(catalogue_url, 30)
    task_id = catalogue.tasks.request(TaskKind.UPGRADE, 2).task_id
    with catalogue.database.writing() as connection:
        statement = text("UPDATE tasks SET report = :report")
        connection.execute(statement, {"report": json.dumps(written)})
    assert catalogue.tasks.get(task_id).report == report
    assert json.dumps(to_json(report)) == json.dumps(written)
    catalogue.close()


def test_a_task_without_a_report_has_none() -> None:
    assert from_json(None) is from_json({}) is None
    assert to_json(None) == {}


def test_kinds_and_states_are_the_same_strings_everywhere(catalogue_url: str) -> None:
    kinds = ["train", "update", "upgrade", "rollback", "retire", "mend", "fill", "duplicates"]
    assert [*TaskKind] == kinds
    assert [*TaskState] == ["waiting", "running", "ok", "error", "cancelled"]
    assert [kind.message for kind in TaskKind] == [
        "training",
        "updating",
        "upgrading",
        "rolling back",
        "retiring",
        "mending",
        "filling keywords",
        "finding duplicates",
    ]
    assert [s.status for s in TaskState] == ["ongoing", "ongoing", "ok", "error", "error"]
    catalogue = open_catalogue(catalogue_url, 30)
    task = catalogue.tasks.request(TaskKind.ROLLBACK, 1)
    assert (type(task.kind), type(task.state)) == (TaskKind, TaskState)
    assert f"{task.kind} {task.state}" == "rollback waiting"
    assert json.dumps([task.kind, task.state]) == '["rollback", "waiting"]'
    with catalogue.database.reading() as connection:
        row = connection.execute(select(tasks.c.kind, tasks.c.state)).one()
    assert (row.kind, row.state, type(row.kind)) == ("rollback", "waiting", str)
    catalogue.close()


def test_no_module_but_their_own_spells_kinds_and_states() -> None:
    """But for "ok" and "error", which are also words of answers."""
    spelt = {*TaskKind, *TaskState} - {TaskState.OK, TaskState.ERROR}
    allowed = {
        "sidecar/catalogue/task.py",
        "sidecar/errors.py",  # the words of TaskLost and TaskWaits
    }
    found = []
    for path in sorted((ROOT / "sidecar").rglob("*.py")):
        name = f"{path.relative_to(ROOT)}"
        if name in allowed or "migrations" in name:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in spelt:
                found.append(f"{name}:{node.lineno} {node.value!r}")
    assert found == []


def test_no_connection_leaves_the_catalogue() -> None:
    assert "Connection" not in sidecar.catalogue.__all__
    faces = (Catalogue.reading, Catalogue.writing, Catalogue.filling)
    assert all(Connection not in get_type_hints(face).values() for face in faces)
    for path in (ROOT / "sidecar").rglob("*.py"):
        if "catalogue" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in INSIDE, f"{path}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    ("module", "without"),
    [
        # Neither survives the fork of a task, whose heartbeat then begins before they are loaded.
        ("sidecar.tasks.worker", {"faiss", "tritonclient"}),
        ("sidecar.tasks.runner", {"faiss", "tritonclient"}),
        (
            "sidecar.http.app",
            {"sidecar.tasks.training", "sidecar.index.builder"},
        ),  # the HTTP process trains nothing
    ],
)
def test_a_process_loads_no_more_than_it_needs(module: str, without: set[str]) -> None:
    script = f"import sys, {module}; print(sorted({without!r} & set(sys.modules)))"
    words = [sys.executable, "-c", script]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_both_databases_answer_the_protocol() -> None:
    asked = {name for name in vars(Dialect) if not name.startswith("_")}
    for dialect in (SQLite, PostgreSQL):
        assert asked <= set(dir(dialect)), dialect
        assert {n for n in vars(dialect) if not n.startswith("_")} <= asked | {"path"}, dialect


def test_where_a_rollback_goes_is_read_from_the_reports_of_the_release_before(
    database_url: str,
) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        upgrade_to(connection, "0005")
        for version in (1, 2, 3):
            row = {"v": version, "s": f"{version}" * 64, "u": version == 2}
            columns = "(version, sha256, dimension, in_use) VALUES (:v, :s, 8, :u)"
            connection.execute(text(f"INSERT INTO models {columns}"), row)
        ended = [
            ("upgrade", "ok", {"version": 2, "previous": 3}, 10.0),
            ("rollback", "ok", {"version": 2, "previous": 1} | INDEX, 20.0),
            ("upgrade", "error", {"version": 3, "previous": 2}, 30.0),
            ("train", "ok", INDEX, 40.0),
        ]
        for kind, state, report, finished_at in ended:
            connection.execute(
                insert(tasks).values(
                    task_id=f"{finished_at}",
                    kind=kind,
                    state=state,
                    report=report,
                    created_at=finished_at - 1,
                    finished_at=finished_at,
                )
            )
    engine.dispose()
    catalogue = open_catalogue(database_url, 30)
    before = catalogue.models.previous()
    assert before is not None
    assert before.version == 1
    report = catalogue.tasks.get("20.0").report
    assert isinstance(report, SwitchReport)
    assert report.previous == 1
    catalogue.close()
