"""The tables of the pages: what `make docs` would write is what stands there."""

import json
import re
from pathlib import Path

import pytest

from docs.tables import figures
from docs.tables.markdown import fill, places, table
from docs.tables.pages import FOLDER, OTHERS, made, pages, written

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


def test_a_figure_is_found_by_its_row_and_column() -> None:
    assert figures.figure("index", "clustering_s", 3) == 98
    assert figures.row_of("nprob", "5") == [0.964, 0.43, 0.952, 0.68, 0.970, 1.80, 8, 153]
    with pytest.raises(TypeError, match="index, clustering_s, column 1: None is no number"):
        figures.figure("index", "clustering_s", 1)


def test_only_what_is_between_the_comments_is_written() -> None:
    page = "# A\n<!-- table: t -->\nold\n<!-- end of table -->\nb\n"
    new = fill(page, lambda name: table([name, "n"], [["x", "1"]]))
    between = "| t | n |\n| --- | --- |\n| x | 1 |\n"
    assert new == f"# A\n<!-- table: t -->\n\n{between}\n<!-- end of table -->\nb\n"
    assert fill(new, lambda name: table([name, "n"], [["x", "1"]])) == new
