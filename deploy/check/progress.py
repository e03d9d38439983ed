"""Prints the steps of the check, and names the two ways in which it can end early."""

import os
import time

BEGAN = "CHECK_DEPLOY_BEGAN"  # the namespaces know it too; their clock is the same


class CannotRun(Exception):
    """Says why this machine can't run the check; nothing of ours is wrong."""


class Failed(Exception):
    """Says what the check has found wrong."""


def begin() -> None:
    """Counts the seconds from now."""
    os.environ[BEGAN] = str(time.monotonic())


def say(line: str) -> None:
    """Prints a line with the seconds since the beginning."""
    print(f"[{time.monotonic() - float(os.environ[BEGAN]):4.0f} s] {line}", flush=True)


def expect(holds: bool, what: str) -> None:
    """Goes on only if the condition holds.

    Raises:
        Failed: it does not.
    """
    if not holds:
        raise Failed(f"expected: {what}")
