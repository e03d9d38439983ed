"""What is said of images, out of a file: read whole before anything is sent."""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from similarity_client.bodies import compact
from similarity_client.cli.tables import Table
from similarity_client.upload import Entry

KEYS = ("id", "file")
METADATA = "metadata"
Row = tuple[str, Mapping[str, Any]]


class Metadata:
    """What is said of images, by id, path or name.

    Args:
        path: of a JSON object of objects; of one object a line, with `id` or `file` and `metadata`;
            or of a CSV table with a column `id` or `file`.
    Raises:
        ValueError: it is none of these; the text names the line.
        OSError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._said = Table()
        read = READERS.get(path.suffix.lower(), _of_json)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                for key, said in read(file):
                    self._said.put(key, compact(said))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def of(self, entry: Entry, image_id: str) -> Mapping[str, Any] | None:
        """Returns what is said of an image, None for nothing."""
        for key in (image_id, entry.inner.as_posix(), str(entry.path), entry.inner.name):
            if (found := self._said.get(key)) is not None:
                said: dict[str, Any] = json.loads(found)
                return said
        return None


def _of_json(file: TextIO) -> Iterator[Row]:
    try:
        whole = json.load(file)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} is no JSON: {error.msg}") from error
    if not isinstance(whole, dict):
        raise ValueError("is no object of names or ids, and what is said of each")
    for key, said in whole.items():
        if not isinstance(said, dict):
            raise ValueError(f"what it says of {key!r} is no object")
        yield key, said


def _of_lines(file: TextIO) -> Iterator[Row]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {number} is no JSON: {error.msg}") from error
        key = _key(found) if isinstance(found, dict) else None
        if key is None or not isinstance(found.get(METADATA), dict):
            raise ValueError(f"line {number} is no object with id or file, and metadata")
        yield key, found[METADATA]


def _of_table(file: TextIO) -> Iterator[Row]:
    rows = csv.DictReader(file, strict=True)
    try:
        if not set(KEYS) & set(rows.fieldnames or ()):
            raise ValueError("line 1 has no column id or file")
        for row in rows:
            key = _key(row)
            if key is None or None in row or None in row.values():
                raise ValueError(f"line {rows.line_num} lacks its id, or has not as many columns")
            yield key, {name: _value(row[name]) for name in row if name not in KEYS and row[name]}
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num} is no CSV: {error}") from error


def _key(row: Mapping[str, Any]) -> str | None:
    found = [row[name] for name in KEYS if row.get(name)]
    return found[0] if found and isinstance(found[0], str) else None


def _value(text: str) -> Any:
    """Returns a number or a truth value where the text is one in JSON, else the text."""
    try:
        found = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return found if isinstance(found, bool | int | float) else text


READERS = {".csv": _of_table, ".jsonl": _of_lines, ".ndjson": _of_lines}
