"""Tables in Markdown, and the places in a page that they belong to."""

import re
from collections.abc import Callable, Iterable

_PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)", re.S)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Writes a table, one line a row."""
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def fill(page: str, make: Callable[[str], str]) -> str:
    """Puts into each place of a page what `make` returns for its name."""

    def placed(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        return f"{begin}\n{make(name)}\n{end}"

    return _PLACE.sub(placed, page)


def places(page: str) -> list[str]:
    """Lists the names of the tables that a page asks for."""
    return [name for _, name, _ in _PLACE.findall(page)]
