"""What was measured: docs/benchmarks.json, the one place for figures.

A table has its `columns`, and `rows` by name: the label that a reader sees, then a cell for each
further column. A cell is a number, `[from, to]`, a word, or null. Numbers are shown with the digits
that the file gives them.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "benchmarks.json"

Cell = int | Decimal | str | list[int | Decimal] | None
Tables = dict[str, dict[str, Any]]


def read(path: Path = FILE) -> Tables:
    """Reads all tables; 1.00 stays 1.00."""
    tables: Tables = json.loads(path.read_text(), parse_float=Decimal)
    return tables


TABLES = read()


def figure(table: str, row: str, column: int = 1) -> float:
    """Looks up one number, by the name of its row and the place of its column, counted from 1.

    Raises:
        TypeError: there is no single number.
    """
    cell = TABLES[table]["rows"][row][column]
    if not isinstance(cell, int | Decimal):
        raise TypeError(f"{table}, {row}, column {column}: {cell!r} is no number")
    return float(cell)


def row_of(table: str, row: str) -> list[float]:
    """Looks up all numbers of a row, in the order of its columns."""
    cells = TABLES[table]["rows"][row][1:]
    return [float(cell) for cell in cells if isinstance(cell, int | Decimal)]


def shown(cell: Cell) -> str:
    """Writes a cell for a reader."""
    if isinstance(cell, list):
        return " to ".join(map(shown, cell))
    if isinstance(cell, int | Decimal):
        return f"{cell:,}"
    return cell or ""
