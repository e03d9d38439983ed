"""What the command prints: data to stdout, as a table, plain columns or JSON; talk to stderr."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

NOTHING: tuple[Any, ...] = (None, "", (), [], {})


MIB = 1 << 20


def plain(answer: Any) -> Any:
    """Returns an answer as JSON has it: dataclasses as objects, without `meta`."""
    if is_dataclass(answer):
        kept = [each.name for each in fields(answer) if each.name != "meta"]
        return {name: plain(getattr(answer, name)) for name in kept}
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(each) for each in answer]
    return answer


class Talk:
    """Prints.

    Args:
        as_json: whether data is JSON: one document, or a line for each row of a list.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.out = Console()
        self.err = Console(stderr=True)

    def say(self, text: str) -> None:
        """Says something to a person; scripts do not read it."""
        click.echo(text, err=True)  # above a bar, which takes stderr over

    def json(self, answer: Any) -> None:
        """Prints an answer as a line of JSON."""
        click.echo(json.dumps(plain(answer), ensure_ascii=False))

    def one(self, answer: Any, shown: Sequence[tuple[str, Any]]) -> None:
        """Prints one answer: as JSON, or what is shown of it and not empty, name and value."""
        if self.as_json:
            self.json(answer)
            return
        self._print(None, (row for row in shown if row[1] not in NOTHING))

    def many(
        self, answers: Iterable[Any], head: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Prints a list: as JSON line by line, or its rows below a head.

        Args:
            head: empty where rows are printed as they come, on a terminal, too.
            rows: may go through `answers` themselves, one by one: only one of both is read.
        """
        if self.as_json:
            for answer in answers:
                self.json(answer)
            return
        self._print(head, rows)

    def _print(self, head: Sequence[str] | None, rows: Iterable[Sequence[Any]]) -> None:
        """Prints a table on a terminal, else columns between tabs, for `cut` and `awk`."""
        if not self.out.is_terminal or head == ():
            for row in rows:
                click.echo("\t".join(_text(value) for value in row))
            return
        columns = (Column(name, overflow="fold") for name in head or ("", ""))
        table = Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.show_header = head is not None
        for row in rows:
            table.add_row(*(Text(_text(value)) for value in row))
        self.out.print(table)


def mebibytes(size: int) -> str:
    """Returns a number of bytes, for a person."""
    return f"{size / MIB:,.1f} MiB"


def _text(value: Any) -> str:
    """Returns a value on one line, without what a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return json.dumps(plain(value), ensure_ascii=False) if value else ""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "".join(each if each.isprintable() else " " for each in str(value))
