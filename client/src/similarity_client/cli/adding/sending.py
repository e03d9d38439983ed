"""Sends images, shows how far it is, and says how it ended."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from similarity_client import UploadStopped
from similarity_client.cli.adding.failures import ErrorFile
from similarity_client.cli.adding.interrupt import interruptible
from similarity_client.cli.adding.line import Line
from similarity_client.cli.adding.shown import Shown
from similarity_client.cli.bar import Bar
from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session
from similarity_client.sync.uploading import upload
from similarity_client.upload import Entry, Plan

GO_ON = "the same line again goes on where this ended"


@dataclass(frozen=True, slots=True)
class Work:
    """What is sent, and how; `stopped` is set where it ends early."""

    images: Iterable[Entry | None]
    plan: Plan
    stopped: threading.Event


@dataclass(frozen=True, slots=True)
class Sent:
    """How it ended: the exit code, the counts, and whether all was looked at."""

    exit: Exit
    summary: dict[str, Any]
    whole: bool


def send(session: Session, line: Line, work: Work, errors: ErrorFile) -> Sent:
    """Sends all images.

    Raises:
        SimilarityError: the service can take no more.
    """
    with Bar(session.talk) as bar:
        shown = Shown(session.talk, bar, errors)
        try:
            ended = _upload(session, line, work, shown)
        except UploadStopped as error:
            session.talk.say(f"{shown.text()}; {GO_ON}")
            if session.talk.as_json:
                session.talk.json(shown.summary())
            raise (error.__cause__ or error) from None
    if shown.last.done:
        session.client.check_version()
    session.talk.say(shown.text() if ended is None else f"{shown.text()}; {GO_ON}")
    code = Exit.REFUSED if shown.last.failed else Exit.WELL
    return Sent(ended or code, shown.summary(), ended is None)


def _upload(session: Session, line: Line, work: Work, shown: Shown) -> Exit | None:
    """Runs an upload; returns how it was ended early, None where it was not."""
    how = work.plan, line.parallel, shown.on_file, False, work.stopped
    failed = threading.Event()
    with upload(session.client, work.images, *how) as prepared:

        def on_failure() -> None:
            failed.set()
            prepared.stop()

        if line.on_error == "stop":
            shown.on_failure = on_failure
        with interruptible(session.talk, prepared.stop) as interrupted:
            prepared.run()
    if interrupted.is_set():
        return Exit.INTERRUPTED
    return Exit.REFUSED if failed.is_set() else None
