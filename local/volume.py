"""The folder DATA_DIR, as the launchers of the local stack write to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.ports import LaunchRefused


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Turns an OSError of the block, which writes to a folder, into one line.

    Raises:
        LaunchRefused: the folder can't be written.
    """
    try:
        yield
    except OSError as error:
        raise LaunchRefused(f"{folder} can't be written (DATA_DIR): {error.strerror}") from error
