"""Add images: files, folders, archives, what comes through a pipe."""

import threading
from contextlib import closing
from typing import Any

import click

from similarity_client.cli import waited
from similarity_client.cli.adding.dry_run import dry_run
from similarity_client.cli.adding.line import Line
from similarity_client.cli.adding.naming import named
from similarity_client.cli.adding.options import HELP, with_options
from similarity_client.cli.adding.sending import Work, send
from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session, connected
from similarity_client.cli.sources import entries
from similarity_client.cli.sources.watching import watched


def _add(session: Session, /, **given: Any) -> Exit:
    line = Line(**given)
    line.check()
    naming, stopped = line.naming(), threading.Event()
    plan = line.plan(naming)
    read = watched if line.watch else entries
    images = named(read(line.chosen(), stopped, session.talk.say), naming)
    if line.dry_run:
        return dry_run(session.talk, images, naming)
    with closing(line.error_file()) as errors:
        sent = send(session, line, Work(images, plan, stopped), errors)
    client = session.client
    begun = {"train": client.train, "update": client.update}.get(line.task or "")
    task = None if begun is None or not sent.whole else begun()
    if session.talk.as_json:
        session.talk.json(sent.summary | ({} if task is None else {"task_id": task.task_id}))
    elif task is not None:
        click.echo(task.task_id)
    if task is not None and line.wait:
        waited.ended(session, task.task_id)
        session.talk.say("it has ended well")
    return sent.exit


add = click.command("add", help=HELP)(with_options(connected(_add)))
