"""What the service is, what it has, and how it does."""

import click

from similarity_client.answers import Stats
from similarity_client.cli import browser
from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session, connected
from similarity_client.cli.talk import mebibytes
from similarity_client.cli.waited import when


@click.command()
@connected
def stats(session: Session) -> None:
    """Count what is stored and indexed.

    \b
      similarity stats
      similarity stats --json | jq .images
    """
    answer = session.client.stats()
    session.talk.one(answer, _figures(answer))


def _figures(stats: Stats) -> list[tuple[str, object]]:
    last, backup = stats.last_task, stats.last_backup
    recall = [f"{each.nprob}: {each.recall:.3f}" for each in stats.recall]
    return [
        ("images", f"{stats.images:,}"),
        ("indexed", f"{stats.indexed:,}"),
        ("waiting", f"{stats.waiting:,}"),
        ("found already", f"{stats.live:,}"),
        ("deleted", f"{stats.deleted:,}"),
        ("catalogue", mebibytes(stats.catalogue_bytes)),
        ("index", mebibytes(stats.index_bytes)),
        ("generation", stats.generation),
        ("model", stats.model_version),
        ("recall by nprob", recall),
        ("last task", None if last is None else f"{last.kind} {last.status} {last.task_id}"),
        ("last backup", None if backup is None else when(backup.at)),
        ("same image", stats.same_image and f"calibration error {stats.same_image.ece:.3f}"),
        ("duplicates", None if stats.duplicates is None else f"{stats.duplicates.same:,} pairs"),
        ("warnings", stats.warnings),
        ("training due", stats.training_due),
    ]


@click.command()
@connected
def health(session: Session) -> Exit:
    """Say whether every part of the service answers.

    Exit code 3 says that one does not.

    \b
      similarity health && similarity train --wait
    """
    answer = session.client.ready()
    session.talk.one(answer, list(answer.parts.items()))
    return Exit.WELL if answer.ok else Exit.AWAY


@click.command()
@click.option("--prefix", help="The beginning of those that are wanted.")
@click.option("--limit", type=int, help="How many at most.")
@connected
def keywords(session: Session, prefix: str | None, limit: int | None) -> None:
    """List the keywords that images have, the most frequent first.

    \b
      similarity keywords --limit 20
    """
    counts = session.client.keywords(prefix=prefix, limit=limit)
    rows = ((each.name, each.count) for each in counts.keywords)
    session.talk.many(counts.keywords, ("keyword", "images"), rows)
    if counts.unlabelled:
        session.talk.say(f"{counts.unlabelled:,} images have no keywords yet")


@click.command("open")
@connected
def open_(session: Session) -> None:
    """Open the pages of the service in a browser; where it has none, the document of its calls.

    \b
      similarity open
    """
    features = session.client.version().features  # a service that is away says so here
    page = "ui/" if features.get("ui") else "openapi.json"
    url = f"{session.client.settings.url}/{page}"
    session.talk.one({"url": url}, [("url", url)])
    browser.show(url, session.talk)
