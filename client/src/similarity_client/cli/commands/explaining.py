"""Explains a match."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from similarity_client.answers import Explanation
from similarity_client.cli.session import Session, connected
from similarity_client.photo import Photo

SHADES = " .:-=+*#%@"  # from nothing to the most


@click.command()
@click.argument("query", metavar="QUERY")
@click.argument("match", metavar="ID")
@click.option("--file", "-f", "is_file", is_flag=True, help="QUERY is a file, - for stdin.")
@connected
def explain(session: Session, query: str, match: str, is_file: bool) -> None:
    """Say why an image matches a query, by ids.

    It prints the keywords that both have, and which regions of the match are like the query: the
    darker, the more they add. The map is coarse, and covers the square in the middle of the match.

    \b
      similarity explain cat-1 cat-2
      similarity explain --file cat.jpg cat-2 --json | jq .map
    """
    found = session.client.explain(_photo(query) if is_file else query, match)
    shown = [("similarity", found.similarity), ("dist", found.dist)]
    keywords = [(each.name, (each.score, each.other_score)) for each in found.keywords_shared]
    session.talk.one(found, [*shown, *keywords, *_rows(found)])


def _photo(name: str) -> Photo:
    if name == "-":
        return sys.stdin.buffer.read()
    path = Path(name)
    if not path.is_file():
        raise click.UsageError(f"there is no file {name}")
    return path


def _rows(found: Explanation) -> Iterator[tuple[str, str]]:
    """Returns the map in shades, a row of text each; a shade is two letters wide, as they are
    high."""
    most = max(max(map(max, found.map)), sys.float_info.min)
    for number, row in enumerate(found.map):
        shades = [SHADES[round((len(SHADES) - 1) * max(0.0, each) / most)] for each in row]
        yield "map" if number == 0 else "", "|" + "".join(2 * shade for shade in shades) + "|"
