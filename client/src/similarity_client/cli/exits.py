"""The exit codes, and which error ends with which."""

from enum import IntEnum

from similarity_client.errors import (
    KeyRequired,
    ScopeMissing,
    ServiceAway,
    SimilarityError,
    UnknownPath,
    WrongArgumentsFormat,
)
from similarity_client.waiting import TaskFailed


class Exit(IntEnum):
    """How the command ended."""

    WELL = 0
    REFUSED = 1
    USAGE = 2
    AWAY = 3
    KEY = 4
    TASK_FAILED = 5
    INTERRUPTED = 130


MEANINGS = {
    Exit.WELL: "all went well",
    Exit.REFUSED: "some images failed, or the service refused what was asked for",
    Exit.USAGE: "the line was wrong",
    Exit.AWAY: "the service is away, too busy, or full",
    Exit.KEY: "the key is missing, unknown, or not for this call",
    Exit.TASK_FAILED: "a task that was waited for failed or was cancelled",
    Exit.INTERRUPTED: "interrupted by Ctrl-C",
}
BUSY = 429
FIRST_OF_SERVER = 500


def exit_of(error: SimilarityError) -> Exit:
    """Returns the exit code of an error; one that stopped an upload counts as its cause."""
    if isinstance(error.__cause__, SimilarityError):
        return exit_of(error.__cause__)
    if isinstance(error, TaskFailed):
        return Exit.TASK_FAILED
    if isinstance(error, KeyRequired | ScopeMissing) or error.status in (401, 403):
        return Exit.KEY
    if isinstance(error, WrongArgumentsFormat | UnknownPath):
        return Exit.USAGE
    status = error.status or 0
    if isinstance(error, ServiceAway) or status == BUSY or status >= FIRST_OF_SERVER:
        return Exit.AWAY
    return Exit.REFUSED
