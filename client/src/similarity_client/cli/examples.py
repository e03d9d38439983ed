"""The images that a search goes by: one, or several that are liked or not."""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from similarity_client import Similarity
from similarity_client.answers import Found
from similarity_client.photo import Photo

FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
STDIN = Path("-")
OPTIONS = (
    click.argument("photos", metavar="[PHOTO]...", nargs=-1, type=FILE),
    click.option("--id", "ids", multiple=True, help="A stored image, left out of what is found."),
    click.option("--unlike", "unlikes", multiple=True, metavar="ID", help="Away from this one."),
    click.option("--unlike-file", "others", multiple=True, type=FILE, help="Away from this, too."),
)


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; a str is an id, all else an image.

    Args:
        likes: one at least.
        title: in words.
    """

    likes: Sequence[Photo]
    unlikes: Sequence[Photo]
    title: str


def by_examples(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a subcommand the images of its line, as an argument `query`."""

    @functools.wraps(function)
    def command(
        *args: Any,
        photos: Sequence[Path],
        ids: Sequence[str],
        unlikes: Sequence[str],
        others: Sequence[Path],
        **options: Any,
    ) -> Any:
        return function(*args, query=_query(photos, ids, unlikes, others), **options)

    for option in reversed(OPTIONS):
        command = option(command)
    return command


def search_by(
    client: Similarity, query: Query, box: Sequence[float] | None, **options: Any
) -> Found:
    """Searches. Raises click.UsageError: a box is given, and more than one image."""
    if len(query.likes) > 1 or query.unlikes:
        if box is not None:
            raise click.UsageError("--box goes with a single image")
        return client.recommend(query.likes, query.unlikes, **options)
    [photo] = query.likes
    if isinstance(photo, str):
        return client.search(id=photo, box=box, **options)
    return client.search(photo, box=box, **options)


def _query(
    photos: Sequence[Path], ids: Sequence[str], unlikes: Sequence[str], others: Sequence[Path]
) -> Query:
    """Returns the query of a line.

    Raises:
        click.UsageError: there is nothing to search with, or stdin would be read twice.
    """
    if not photos and not ids:
        raise click.UsageError("search with a PHOTO, - for one on stdin, or --id ID")
    if [*photos, *others].count(STDIN) > 1:
        raise click.UsageError("stdin has one image: give - once")
    title = f"Images like {', '.join([*(path.name for path in photos), *ids])}"
    away = [*unlikes, *(path.name for path in others)]
    if away:
        title += f" and unlike {', '.join(away)}"
    return Query([*map(_photo, photos), *ids], [*unlikes, *map(_photo, others)], title)


def _photo(path: Path) -> Photo:
    return sys.stdin.buffer.read() if path == STDIN else path
