"""What the check says, and how it ends when it can't go on."""

import os
import time

BEGAN = "CHECK_DEPLOY_BEGAN"  # also known in the namespaces, whose clock is the same


class CannotRun(Exception):
    """The machine is no place for the check, for the reason that it gives: no fault of ours."""


class Failed(Exception):
    """The check has found something wrong."""


def begin() -> None:
    """Count the seconds from now."""
    os.environ[BEGAN] = str(time.monotonic())


def say(line: str) -> None:
    """One line with the seconds since the beginning."""
    print(f"[{time.monotonic() - float(os.environ[BEGAN]):4.0f} s] {line}", flush=True)


def expect(holds: bool, what: str) -> None:
    """Go on only if it holds.

    Raises:
        Failed: it does not.
    """
    if not holds:
        raise Failed(f"expected: {what}")
