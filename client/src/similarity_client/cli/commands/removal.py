"""Removes images."""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice

import click

from similarity_client import Similarity
from similarity_client.answers import State
from similarity_client.cli import asking
from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session, connected

AT_ONCE = 1000  # of one call
STDIN = "-"


@click.command("rm")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@asking.yes
@connected
def rm(session: Session, ids: tuple[str, ...], yes: bool) -> Exit:
    """Remove images by their ID; with - those on stdin, one a line.

    Exit code 1 says that one was not there.

    \b
      similarity rm cat-1
      similarity ls --keyword tabby | similarity rm - --yes
    """
    from_stdin = ids == (STDIN,)
    if not yes and (from_stdin or len(ids) > 1):
        which = "those on stdin" if from_stdin else f"{len(ids)} images"
        asking.sure(f"Remove {which}?")
    states = _removed(session.client, _lines() if from_stdin else ids)
    missing = 0

    def counted() -> Iterator[State]:
        nonlocal missing
        for each in states:
            missing += each.state == "missing"
            yield each

    found = counted()
    session.talk.many(found, (), ((each.id, each.state) for each in found))
    return Exit.REFUSED if missing else Exit.WELL


def _lines() -> Iterator[str]:
    lines = (line.rstrip("\r\n") for line in sys.stdin)
    return (line for line in lines if line)


def _removed(client: Similarity, ids: Iterable[str]) -> Iterator[State]:
    """Removes images, as many at once as one call takes."""
    left = iter(ids)
    while chunk := list(islice(left, AT_ONCE)):
        if len(chunk) == 1:
            yield State(client.remove(chunk[0]).id, "removed")
        else:
            yield from client.remove_batch(chunk).images
