"""Lists duplicates."""

from collections.abc import Iterator

import click

from similarity_client import Similarity
from similarity_client.answers import DuplicateGroup
from similarity_client.calls.duplicates import DuplicateClass
from similarity_client.cli import waited
from similarity_client.cli.session import Session, connected

CLASSES = ("identical", "same", "similar")


@click.command()
@click.option("--class", "kind", type=click.Choice(CLASSES), default="same", help="How alike.")
@click.option("--find", is_flag=True, help="First compare the images that are new in the index.")
@connected
def duplicates(session: Session, kind: DuplicateClass, find: bool) -> None:
    """List groups of duplicates, the most probable first, each with the best.

    Identical ones are uploads of the same bytes, the same were saved or scaled again, similar ones
    look alike.

    \b
      similarity duplicates --find
      similarity duplicates --class similar --json | jq .best
    """
    if find:
        waited.ended(session, session.client.find_duplicates().task_id)
    groups = _groups(session.client, kind)
    session.talk.many(groups, ("probability", "best", "others"), map(_row, groups))


def _groups(client: Similarity, kind: DuplicateClass) -> Iterator[DuplicateGroup]:
    after: str | None = "0"
    while after is not None:
        page = client.duplicates(kind=kind, after=after)
        yield from page.groups
        after = page.next


def _row(group: DuplicateGroup) -> tuple[object, ...]:
    others = [image.id for image in group.images if image.id != group.best]
    return f"{group.probability:.3f}", group.best, " ".join(others)
