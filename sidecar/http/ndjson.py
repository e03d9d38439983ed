"""Keeps an NDJSON answer until it is complete."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon

from sidecar.errors import StorageFull

MOST_IN_MEMORY = 1 << 20  # bytes of an answer
PIECE_BYTES = 1 << 16


class SpooledLines:
    """Keeps an NDJSON answer until it is complete; a long one on the disk.

    Most clients read nothing before they have sent everything, so an answer that began earlier
    would in the end block both sides.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY, dir=str(folder))  # noqa: SIM115

    def append(self, line: dict[str, Any]) -> None:
        """Adds a line. Raises StorageFull: the disk has no room for it."""
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise StorageFull(f"no room in DATA_DIR for the answer: {error}") from error

    def send(self, resp: falcon.Response) -> None:
        """Makes the lines the answer; the server reads and closes them."""
        resp.content_type = "application/x-ndjson"
        resp.content_length = self._file.tell()
        self._file.seek(0)
        resp.stream = self

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Gives the file back; the server calls it after the answer, or when the client is gone."""
        self._file.close()
