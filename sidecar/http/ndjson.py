"""An NDJSON answer that is kept until all of it is there."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import falcon

from sidecar import errors

MOST_IN_MEMORY = 1 << 20  # bytes of an answer


PIECE_BYTES = 1 << 16


class SpooledLines:
    """An NDJSON answer that is kept until all of it is there, on the disk where it is long.

    Most clients read nothing before they have sent everything, so that an answer that began earlier
    would in the end hold up both sides.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY, dir=str(folder))  # noqa: SIM115

    def append(self, line: dict[str, Any]) -> None:
        """Raises StorageFull."""
        try:
            self._file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise errors.StorageFull(f"no room for the answer: {error}") from error

    def send(self, resp: falcon.Response) -> None:
        resp.content_type = "application/x-ndjson"
        resp.content_length = self._file.tell()
        self._file.seek(0)
        resp.stream = self

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Called by the server when the answer is sent, or its client is gone."""
        self._file.close()
