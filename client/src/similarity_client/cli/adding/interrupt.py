"""Ctrl-C: the first lets what is in flight come to its end, the second ends at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from similarity_client.cli.exits import Exit
from similarity_client.cli.talk import Talk


@contextmanager
def interruptible(talk: Talk, stop: Callable[[], None]) -> Iterator[threading.Event]:
    """Calls `stop` at the first Ctrl-C of the block; gives what says whether there was one."""
    interrupted = threading.Event()

    def on_signal(_: int, __: FrameType | None) -> None:
        if interrupted.is_set():
            talk.err.show_cursor()
            os._exit(Exit.INTERRUPTED)
        interrupted.set()
        stop()
        os.write(2, b"\nfinishing what is in flight; Ctrl-C again ends at once\n")

    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
