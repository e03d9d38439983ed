"""Searches."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from similarity_client.answers import Found
from similarity_client.calls.options import Limit, Order
from similarity_client.cli import browser, gallery
from similarity_client.cli.examples import Query, by_examples, search_by
from similarity_client.cli.page import page
from similarity_client.cli.session import Session, connected

NEW = click.Path(dir_okay=False, path_type=Path)


def _filter(_: click.Context, __: click.Parameter, given: str | None) -> dict[str, Any] | None:
    """Reads a filter."""
    if given is None:
        return None
    try:
        found = json.loads(given)
    except ValueError as error:
        raise click.BadParameter(f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.BadParameter("it is no object of JSON")
    return found


def _limit(_: click.Context, __: click.Parameter, given: str | None) -> float | str | None:
    """Reads a distance, or the name of a limit."""
    if given is None or given in get_args(Limit):
        return given
    try:
        return float(given)
    except ValueError as error:
        raise click.BadParameter("it is a number, same or similar") from error


def _box(_: click.Context, __: click.Parameter, given: str | None) -> tuple[float, ...] | None:
    """Reads a box."""
    if given is None:
        return None
    try:
        box = tuple(map(float, given.split(",")))
    except ValueError as error:
        raise click.BadParameter("it is four numbers between commas") from error
    if len(box) != len("xywh"):
        raise click.BadParameter("it is four numbers between commas")
    return box


@click.command()
@by_examples
@click.option("--num-results", "-n", type=int, help="How many there are at most.")
@click.option("--nprob", type=int, help="1 to 100: how thoroughly.")
@click.option(
    "--max-dist",
    callback=_limit,
    metavar="DISTANCE",
    help="Where the list ends; or same or similar: with the same image.",
)
@click.option("--filter", callback=_filter, metavar="JSON", help="What their metadata have to be.")
@click.option("--box", callback=_box, metavar="X,Y,W,H", help="The part that counts, in fractions.")
@click.option("--order", type=click.Choice(get_args(Order)), help="Which one comes first.")
@click.option("--offset", type=int, help="How many nearer ones are passed over.")
@click.option("--group-by", metavar="FIELD", help="A field whose values make groups.")
@click.option("--group-size", type=int, help="How many images of a group.")
@click.option("--fields", is_flag=True, help="With their keywords and metadata.")
@click.option("--open", "opens", is_flag=True, help="Open a page of thumbnails, too.")
@click.option(
    "--page",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write that page into FILE.",
)
@connected
def search(
    session: Session,
    /,
    query: Query,
    opens: bool,
    file: Path | None,
    **options: Any,
) -> None:
    """Find the images most like a PHOTO, or like several.

    A PHOTO is a file, or - for stdin.

    \b
      similarity search cat.jpg --num-results 20 --open
      similarity search --id cat-1 --filter '{"price": {"$lt": 50}}' --fields
      similarity search cat.jpg --id cat-1 --unlike dog-1
    """
    found = search_by(session.client, query, **options)
    head = ("dist", "id", "keywords", "metadata") if options["fields"] else ("dist", "id")
    session.talk.many(_answers(found), head, _rows(found))
    if opens or file is not None:
        path = file or _unnamed()
        tiles = gallery.tiles(session.client, query, found)
        path.write_text(page(query.title, tiles), encoding="utf-8")
        session.talk.say(f"the page is {path}")
        if opens:
            browser.show(path.resolve().as_uri(), session.talk)


def _answers(found: Found) -> Iterator[Any]:
    if found.matches is not None:
        return iter(found.matches)
    return ({"id": name, "dist": dist} for dist, name in found.pairs())


def _rows(found: Found) -> Iterator[Sequence[Any]]:
    if found.matches is None:
        yield from found.pairs()
        return
    for match in found.matches:
        keywords = [each.name for each in match.keywords or ()]
        yield match.dist, match.id, keywords, match.metadata


def _unnamed() -> Path:
    """Makes a file which only this user reads; it stays, because a browser reads it later."""
    with tempfile.NamedTemporaryFile(prefix="similarity-", suffix=".html", delete=False) as file:
        return Path(file.name)
