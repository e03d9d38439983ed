"""Tasks: what begins them, and how they do."""

import click

from similarity_client.answers import TaskState
from similarity_client.cli import waited
from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session, connected


@click.command()
@waited.wait
@connected
def train(session: Session, wait: bool) -> Exit:
    """Make the index afresh from all images; it takes 1,000.

    \b
      similarity train --wait
    """
    return waited.task(session, session.client.train().state, wait)


@click.command()
@waited.wait
@connected
def update(session: Session, wait: bool) -> Exit:
    """Bring into the index what was added since.

    What was removed leaves it.

    \b
      similarity update --wait
    """
    return waited.task(session, session.client.update().state, wait)


@click.command()
@click.option("--limit", type=int, help="How many at most.")
@connected
def tasks(session: Session, limit: int | None) -> None:
    """List the newest tasks.

    \b
      similarity tasks --limit 5
      similarity tasks --json | jq 'select(.status == "error")'
    """
    found = session.client.tasks(limit=limit).tasks
    session.talk.many(found, ("task", "kind", "state", "created"), map(_row, found))


def _row(state: TaskState) -> tuple[object, ...]:
    how = {"ongoing": waited.percent(state), "error": state.message}.get(state.status, state.status)
    return state.task_id, state.kind, how, waited.when(state.created_at, "minutes")


@click.command()
@click.argument("task_id", metavar="TASK")
@waited.wait
@connected
def task(session: Session, task_id: str, wait: bool) -> Exit:
    """Say how a TASK is doing, or how it ended.

    \b
      similarity task 8c5a4a6e-5f0c-4b8e-9d1c-2f4f8a3f7c11 --wait
    """
    return waited.task(session, session.client.status(task_id), wait)


@click.command()
@click.argument("task_id", metavar="TASK")
@connected
def cancel(session: Session, task_id: str) -> None:
    """Stop a TASK, waiting or running; everything stays as it was.

    \b
      similarity cancel 8c5a4a6e-5f0c-4b8e-9d1c-2f4f8a3f7c11
    """
    answer = session.client.cancel(task_id)
    session.talk.one(answer, [("cancelled", answer.task_id)])
