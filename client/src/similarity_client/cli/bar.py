"""How far long work is: a bar on a terminal, else a line every five seconds."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from similarity_client.cli.talk import Talk

EVERY_S = 5.0


class Bar:
    """Shows how far work is, from any thread, as long as it is entered.

    Args:
        talk: its stderr is written to.
    """

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._lock = threading.Lock()
        self._said_at = time.monotonic()
        self._progress = _progress(talk.err) if talk.err.is_terminal else None
        self._task = None if self._progress is None else self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def show(self, text: str, done: float | None = None, total: float | None = None) -> None:
        """Shows how things are.

        Args:
            text: one line, which says it without the bar.
            done, total: of the same unit; total is None as long as nobody knows.
        """
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text, completed=done, total=total)
            return
        with self._lock:
            now = time.monotonic()
            if now - self._said_at < EVERY_S:
                return
            self._said_at = now
        self._talk.say(text)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
