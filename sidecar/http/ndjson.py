"""Keeps an NDJSON answer until it is complete."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import falcon

from sidecar.errors import StorageFull

MOST_IN_MEMORY = 1 << 20  # bytes of an answer
PIECE_BYTES = 1 << 16


class SpooledLines:
    """Keeps an NDJSON answer until it is complete; a long one on the disk.

    Most clients read nothing before they have sent everything, so an answer that began earlier
    would in the end block both sides.

    Attributes:
        full: that the disk has no room for more, if so.
    """

    full: StorageFull | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._on_disk = 0  # bytes
        self._rest = bytearray()  # what is not on the disk

    def append(self, line: dict[str, Any]) -> None:
        """Adds a line. Where the disk has no room it is kept in memory, and `full` says so: there
        should be few more."""
        self._rest += json.dumps(line).encode() + b"\n"
        if len(self._rest) < MOST_IN_MEMORY:
            return
        try:
            self._spill()
        except OSError as error:
            self.full = StorageFull(f"no room in DATA_DIR for the answer: {error}")

    def send(self, resp: falcon.Response) -> None:
        """Makes the lines the answer; the server reads and closes them."""
        resp.content_type = "application/x-ndjson"
        resp.content_length = self._on_disk + len(self._rest)
        resp.stream = self

    def __iter__(self) -> Iterator[bytes]:
        if self._file is not None:
            self._file.seek(0)
            left = self._on_disk
            while left and (piece := self._file.read(min(left, PIECE_BYTES))):
                left -= len(piece)
                yield piece
        yield bytes(self._rest)

    def close(self) -> None:
        """Gives the file back; the server calls it after the answer, or when the client is gone."""
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        """Moves lines to the disk. What it has no room for stays in memory."""
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        while self._rest:
            written = self._file.write(self._rest)
            self._on_disk += written
            del self._rest[:written]
