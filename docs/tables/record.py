"""Puts figures into docs/benchmarks.json, then writes the tables anew.

    python -m docs.tables.record index 1,000,000 training_s=178 update_1_s=3.9

TABLE is a table of the file, COLUMN the head of one of its columns, each ROW the name of a row. A
value is a number, with the digits to show, or FROM..TO.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from docs.tables import figures
from docs.tables.figures import Cell

NUMBER = re.compile(r"-?\d+(\.\d+)?")


def record(path: Path, table: str, column: str, values: dict[str, str]) -> None:
    """Puts a value into each row; leaves all else in the file as it is.

    Raises:
        LookupError: there is no such table, column or row.
        ValueError: a value is neither a number nor FROM..TO.
    """
    tables = figures.read(path)
    if table not in tables:
        raise LookupError(f"no table {table!r}; there are {', '.join(tables)}")
    columns, rows = tables[table]["columns"], tables[table]["rows"]
    if column not in columns[1:]:
        raise LookupError(f"no column {column!r} in {table}; there are {'; '.join(columns[1:])}")
    for row, text in values.items():
        if row not in rows:
            raise LookupError(f"no row {row!r} in {table}; there are {', '.join(rows)}")
        rows[row][columns.index(column, 1)] = _cell(text)
    path.write_text(text_of(tables))


def text_of(tables: figures.Tables) -> str:
    """Writes the file as it stands: a line for each row."""
    return "{\n" + ",\n".join(_table(name, one) for name, one in tables.items()) + "\n}\n"


def _table(name: str, one: dict[str, Any]) -> str:
    rows = (f"   {_json(row)}: {_json(cells)}" for row, cells in one["rows"].items())
    head = f' {_json(name)}: {{\n  "columns": {_json(one["columns"])},\n  "rows": {{\n'
    return head + ",\n".join(rows) + "\n  }\n }"


def _json(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _cell(text: str) -> Cell:
    parts = text.split("..")
    if len(parts) > 2 or not all(map(NUMBER.fullmatch, parts)):
        raise ValueError(f"{text!r} is neither a number nor FROM..TO")
    numbers: list[int | Decimal] = [Decimal(part) if "." in part else int(part) for part in parts]
    return numbers if len(numbers) == 2 else numbers[0]


def main(words: Sequence[str] | None = None) -> int:
    """Records what the command line names; 1 where there is no place for it."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.tables.record",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", metavar="TABLE")
    parser.add_argument("column", metavar="COLUMN")
    parser.add_argument("values", nargs="+", metavar="ROW=VALUE")
    given = parser.parse_args(words)
    values = dict(each.partition("=")[::2] for each in given.values)
    try:
        record(figures.FILE, given.table, given.column, values)
    except (LookupError, ValueError) as error:
        print(f"docs.tables.record: {error}", file=sys.stderr)
        return 1
    # In a process of its own: this one has reckoned with the figures of before.
    return subprocess.run([sys.executable, "-m", "docs.tables"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
