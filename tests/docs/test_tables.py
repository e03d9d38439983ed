"""The tables of the pages: what `make docs` would write is what stands there."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.tables import figures, record
from docs.tables.markdown import fill, places, table
from docs.tables.pages import FOLDER, OTHERS, made, pages, written
from local.stack import ROOT

PAGES = {f"{page.relative_to(FOLDER)}": page for page in pages()}


@pytest.mark.parametrize("name", PAGES)
def test_every_table_is_as_it_would_be_made_now(name: str) -> None:
    assert written(PAGES[name]) == PAGES[name].read_text(), "run `make docs`"


def test_every_table_has_exactly_one_place() -> None:
    placed = [name for page in PAGES.values() for name in places(page.read_text())]
    assert sorted(placed) == sorted([*figures.TABLES, *OTHERS])


def test_benchmarks_holds_no_table_by_hand() -> None:
    page = PAGES["benchmarks.md"].read_text()
    lines = [line for line in page.splitlines() if line.startswith("|")]
    generated = [line for name in places(page) for line in made(name).splitlines()]
    assert lines == generated


def test_every_row_has_a_cell_for_each_column_and_only_known_kinds_of_cells() -> None:
    for name, one in figures.TABLES.items():
        assert set(one) == {"columns", "rows"}, name
        assert len(set(one["columns"])) == len(one["columns"]), name
        for row, cells in one["rows"].items():
            assert re.fullmatch(r"[a-z0-9_]+", row), (name, row)
            assert len(cells) == len(one["columns"]), (name, row)
            assert cells[0] and isinstance(cells[0], str), (name, row)
            for cell in cells[1:]:
                assert not isinstance(cell, bool | dict), (name, row)


def test_no_row_is_named_twice() -> None:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs), [key for key, _ in pairs]
        return dict(pairs)

    json.loads(figures.FILE.read_text(), object_pairs_hook=unique)


def test_a_number_is_shown_with_the_digits_that_the_file_gives_it(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    file.write_text('{"t": {"columns": ["", ""], "rows": {"r": ["r", 1.00, [2.5, 167600], null]}}}')
    cells = figures.read(file)["t"]["rows"]["r"]
    assert [figures.shown(cell) for cell in cells] == ["r", "1.00", "2.5 to 167,600", ""]


def test_a_figure_is_recorded_and_all_else_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    before = figures.FILE.read_text()
    file.write_text(before)
    new = {"training_s": "170.50", "clustering_s": "90", "truth_s": "20..24"}
    record.record(file, "index", "1,000,000", new)
    changed = [
        (old, now)
        for old, now in zip(before.splitlines(), file.read_text().splitlines(), strict=True)
        if old != now
    ]
    assert [now.rsplit(", ", 1)[1] for _, now in changed[:2]] == ["170.50],", "90],"]
    assert changed[2][1].endswith("null, null, [20, 24]],")
    assert len(changed) == 3
    record.record(file, "index", "1,000,000", {"training_s": "101", "clustering_s": "45.7"})
    record.record(file, "index", "1,000,000", {"truth_s": "10"})
    assert file.read_text() == before


def test_what_follows_from_a_recorded_figure_is_written_with_it(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    command = [sys.executable, "-m", "docs.tables.record", "http", "int8", "adds_per_s=240"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    rows = (tmp_path / "docs" / "operations.md").read_text().splitlines()
    assert "| adding all | ~6.9 min | ~69 min | ~12 h | ~4.8 d |" in rows
    rows = (tmp_path / "docs" / "benchmarks.md").read_text().splitlines()
    assert "| single adds, 50 clients, a second | 240 | 89 |" in rows


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["indices", "10,000", "training_s=1"], "no table 'indices'; there are start, "),
        (["index", "10000", "training_s=1"], "no column '10000' in index; there are 10,000; "),
        (["index", "10,000", "training=1"], "no row 'training' in index; there are training_s, "),
        (["index", "10,000", "training_s=1 s"], "'1 s' is neither a number nor FROM..TO"),
        (["index", "10,000", "training_s"], "'' is neither a number nor FROM..TO"),
    ],
)
def test_a_figure_without_a_place_is_refused(
    words: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = figures.FILE.read_text()
    assert record.main(words) == 1
    assert f"docs.tables.record: {problem}" in capsys.readouterr().err
    assert figures.FILE.read_text() == before


def test_a_figure_is_found_by_its_row_and_column() -> None:
    assert figures.figure("index", "clustering_s", 3) == 45.7
    assert figures.row_of("nprob", "5") == [0.962, 0.43, 0.960, 0.32, 0.970, 0.54, 7, 64]
    with pytest.raises(TypeError, match="index, clustering_s, column 1: None is no number"):
        figures.figure("index", "clustering_s", 1)


def test_only_what_is_between_the_comments_is_written() -> None:
    page = "# A\n<!-- table: t -->\nold\n<!-- end of table -->\nb\n"
    new = fill(page, lambda name: table([name, "n"], [["x", "1"]]))
    between = "| t | n |\n| --- | --- |\n| x | 1 |\n"
    assert new == f"# A\n<!-- table: t -->\n\n{between}\n<!-- end of table -->\nb\n"
    assert fill(new, lambda name: table([name, "n"], [["x", "1"]])) == new
