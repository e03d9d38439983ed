"""What is stored: one image, all of them, the files of one."""

import sys
from itertools import islice
from pathlib import Path

import click

from similarity_client.calls.many import Order
from similarity_client.cli.session import Session, connected
from similarity_client.cli.talk import plain
from similarity_client.cli.waited import when

PAGE = 1000  # images of one answer


@click.command("get")
@click.argument("image_id", metavar="ID")
@connected
def get(session: Session, image_id: str) -> None:
    """Describe an image: when it came, its keywords, its metadata.

    \b
      similarity get cat-1
      similarity get cat-1 --json | jq .sha256
    """
    image = session.client.get(image_id)
    metadata = session.client.metadata(image_id).metadata
    shown = (
        ("id", image.id),
        ("added", when(image.added_at)),
        ("sha256", image.sha256),
        ("versions", image.versions),
        ("indexed", "yes" if image.indexed else "no"),
        ("keywords", [f"{each.name} {each.score:.2f}" for each in image.keywords]),
        ("metadata", metadata),
    )
    session.talk.one({**plain(image), "metadata": metadata}, shown)


@click.command("ls")
@click.option("--keyword", help="Those that have it, the highest score first.")
@click.option("--min-score", type=float, help="The least score of the keyword.")
@click.option("--newest", is_flag=True, help="The newest first.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N alone.")
@connected
def ls(
    session: Session, keyword: str | None, min_score: float | None, newest: bool, limit: int | None
) -> None:
    """List the ids of all images, the oldest first.

    It prints them as they come, however many there are.

    \b
      similarity ls | wc -l
      similarity ls --newest --limit 20
      similarity ls --keyword tabby --min-score 0.5 --limit 20
    """
    if min_score is not None and keyword is None:
        raise click.UsageError("--min-score goes with --keyword")
    if newest and keyword is not None:
        raise click.UsageError("--newest goes without --keyword: the highest score is first")
    order: Order | None = "newest" if newest else None
    a_page = min(limit or PAGE, PAGE)
    every = session.client.images(keyword=keyword, min_score=min_score, order=order, limit=a_page)
    images = islice(every, limit)
    if keyword is None:
        session.talk.many(({"id": each.id} for each in images), (), ((each.id,) for each in images))
    else:
        session.talk.many(images, (), ((each.id, each.score) for each in images))


@click.command("thumbnail")
@click.argument("image_id", metavar="ID")
@click.option("--original", is_flag=True, help="The upload itself, where the service keeps them.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Into it.")
@connected
def thumbnail(session: Session, image_id: str, original: bool, output: Path | None) -> None:
    """Get the JPEG that is kept of an image, into a file or a pipe.

    \b
      similarity thumbnail cat-1 -o cat.jpg
      similarity thumbnail cat-1 --original | sha256sum
    """
    if output is None and (session.talk.as_json or sys.stdout.isatty()):
        raise click.UsageError("it takes an image into a file, -o FILE, or into a pipe")
    client = session.client
    file = client.original(image_id) if original else client.thumbnail(image_id)
    if output is None:
        sys.stdout.buffer.write(file.content)
        return
    output.write_bytes(file.content)
    found = {"id": image_id, "file": f"{output}", "bytes": len(file.content)}
    session.talk.one(found, list(found.items()))
