"""An archive that is read at many places at once, and a member of it as a file of its own."""

import io
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from similarity_client.cli.sources.damage import translated

ReadAt = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive.

    Args:
        path: by which it is reported.
        shared: reads one that has no path.
    """

    path: Path
    shared: "Shared | None" = None

    def part(self, offset: int, size: int) -> io.BufferedIOBase:
        """Opens so many bytes of it, fewer where it ends. Raises OSError."""
        place = _Own(self.path) if self.shared is None else self.shared
        return io.BufferedReader(_Part(place.read_at, offset, size, place.done), 1 << 16)


class Shared:
    """A file without a path that many threads read; it is closed once nothing needs it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        # Not __del__: of a cycle of garbage, the file might go before its owner, and complain.
        weakref.finalize(self, file.close)

    def read_at(self, offset: int, size: int) -> bytes:
        """Reads so many bytes, fewer at the end. Raises OSError."""
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def done(self) -> None:
        """Is called when a part is closed: others go on."""


class _Own:
    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.done = self._file.close

    def read_at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)


def guarded(name: object, begin: Callable[[], Any]) -> BinaryIO:
    """Opens a member, whose errors are an archive's from then on. Raises ArchiveReadingError."""
    with translated(name):
        file = begin()
    return io.BufferedReader(_Guarded(file, name), 1 << 16)


class _Part(io.RawIOBase):
    def __init__(self, read_at: ReadAt, offset: int, size: int, done: Callable[[], None]) -> None:
        self._read_at = read_at
        self._at = offset
        self._end = offset + size
        self._done = done

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._read_at(self._at, min(len(buffer), self._end - self._at))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        self._done()
        super().close()


class _Guarded(io.RawIOBase):
    def __init__(self, file: Any, name: object) -> None:
        self._file = file
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with translated(self._name):
            piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()
