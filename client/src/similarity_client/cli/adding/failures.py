"""A failed image in a word and a sentence, and the file that keeps them."""

import json
from pathlib import Path
from typing import IO

from similarity_client import Progress
from similarity_client.errors import SimilarityError

UNREADABLE, NO_ID, FAILED = "file_unreadable", "no_id", "failed"


def word_of(error: Exception) -> tuple[str, str]:
    """Returns the word of an error, the service's where it has one, and a sentence."""
    if isinstance(error, SimilarityError):
        return error.word or FAILED, error.detail
    return UNREADABLE if isinstance(error, OSError) else NO_ID, str(error)


class ErrorFile:
    """A file of failures, a line of JSON each, which is there as soon as the image has failed.

    Args:
        path: None keeps none.
    Raises:
        OSError: it can't be written.
    """

    def __init__(self, path: Path | None) -> None:
        # Line by line, so that a killed command has left all.
        self._file: IO[str] | None = None if path is None else path.open("w", buffering=1)

    def write(self, progress: Progress) -> None:
        """Writes a failure."""
        if self._file is None or progress.error is None:
            return
        word, detail = word_of(progress.error)
        line = {"path": str(progress.path), "id": progress.id, "word": word, "detail": detail}
        self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
