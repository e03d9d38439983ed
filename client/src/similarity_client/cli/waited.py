"""A task that a subcommand began: how it is shown, and waited for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from similarity_client.answers import TaskState
from similarity_client.cli.bar import Bar
from similarity_client.cli.exits import Exit
from similarity_client.cli.session import Session
from similarity_client.waiting import TaskFailed

wait = click.option("--wait", is_flag=True, help="Until it has ended; 5 is the code if badly.")


def task(session: Session, state: TaskState, wait: bool) -> Exit:
    """Shows a task: as it is, or as it ended.

    Raises:
        TaskFailed: it was waited for, and ended badly.
    """
    if not wait:
        session.talk.one(state, list(rows(state)))
        if not state.ended:
            session.talk.say(f"it goes on: {_again(state.task_id)}")
        return Exit.WELL
    try:
        done = ended(session, state.task_id)
    except TaskFailed as error:
        if session.talk.as_json:
            session.talk.json(error.task)
        raise
    session.talk.one(done, list(rows(done)))
    return Exit.WELL


def ended(session: Session, task_id: str) -> TaskState:
    """Waits until a task has ended well, and returns how.

    Raises:
        TaskFailed: it has ended badly.
        KeyboardInterrupt: after Ctrl-C, when it was said that the task goes on.
    """
    try:
        session.talk.say(f"waiting for task {task_id}")
        with Bar(session.talk) as bar:
            return session.client.wait(task_id, lambda now: _show(bar, now))
    except KeyboardInterrupt:
        session.talk.say(f"the task goes on: {_again(task_id)}")
        raise


def rows(state: TaskState) -> Iterator[tuple[str, Any]]:
    """Yields what is known of a task, name and value."""
    yield from (("task", state.task_id), ("kind", state.kind), ("status", state.status))
    yield from {
        "error": state.message if state.status == "error" else None,
        "detail": state.detail,
        "phase": state.phase,
        "progress": percent(state),
        "created": when(state.created_at),
        "finished": when(state.finished_at),
        "request": state.request_id,
        "version": state.version,
        "generation": state.generation,
        "images": state.images,
        **state.report,
    }.items()


def percent(state: TaskState) -> str | None:
    """Returns how far a task is."""
    return None if state.progress is None else f"{state.progress:.0%}"


def when(seconds: float | None, to: str = "seconds") -> str | None:
    """Returns a moment on the clock of this machine, to the second or the minute."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds).isoformat(" ", to)


def _again(task_id: str) -> str:
    return f"similarity task {task_id} --wait"


def _show(bar: Bar, state: TaskState) -> None:
    said = (state.kind or state.message, state.phase, percent(state))
    bar.show(", ".join(filter(None, said)), state.progress, 1.0)
