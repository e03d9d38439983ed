"""What the service is, and how it does."""

import click

from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session, connected


@click.command()
@connected
def stats(session: Session) -> None:
    """Count what is stored and indexed."""
    answer = session.client.stats()
    shown = [("images", answer.images)]
    session.talk.one(answer, shown)


@click.command()
@connected
def health(session: Session) -> Exit:
    """Say whether every part of the service answers; exit code 3 where one does not."""
    answer = session.client.ready()
    session.talk.one(answer, list(answer.parts.items()))
    return Exit.WELL if answer.ok else Exit.AWAY
