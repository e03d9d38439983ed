"""What has become of the files of an upload."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from similarity_client.errors import SimilarityError

Failure = tuple[Path, Exception]


@dataclass(frozen=True, slots=True)
class Report:
    """What has become of the files of an upload.

    Args:
        added: how many were added now.
        same: how many were stored already.
        failed: each path that was not added, and why.
    """

    added: int = 0
    same: int = 0
    failed: tuple[Failure, ...] = ()

    @property
    def done(self) -> int:
        """How many files all this is."""
        return self.added + self.same + len(self.failed)

    def __str__(self) -> str:
        counts = f"{self.added:,} added, {self.same:,} stored before, {len(self.failed):,} failed"
        return f"{self.done:,} files: {counts}"


class UploadStopped(SimilarityError):
    """An upload can't go on: the service is away, full, or asks for another key. The cause is
    `__cause__`. Run it again to go on where it ended.

    Args:
        report: how far it got.
    """

    def __init__(self, report: Report, cause: SimilarityError) -> None:
        super().__init__(
            f"stopped after {report}; run it again to go on: {cause.detail or cause}",
            word=cause.word,
            status=cause.status,
            request_id=cause.request_id,
        )
        self.report = report


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an upload is.

    Args:
        added, same, failed: files, as in the report.
        sent_bytes: of images, those that were sent again among them.
        path: of the file that was just done.
        error: why it failed; None where it did not.
    """

    added: int
    same: int
    failed: int
    sent_bytes: int
    path: Path
    error: Exception | None

    @property
    def done(self) -> int:
        """How many files are done."""
        return self.added + self.same + self.failed


OnFile = Callable[[Progress], None]


class Tally:
    """Counts files as they are done, by many threads."""

    def __init__(self, on_file: OnFile | None) -> None:
        self._on_file = on_file
        self._lock = threading.Lock()
        self._added = 0
        self._same = 0
        self._sent_bytes = 0
        self._failed: list[Failure] = []

    def sent(self, size: int) -> None:
        """Counts the bytes of an image that were sent."""
        with self._lock:
            self._sent_bytes += size

    def added(self, path: Path) -> None:
        """Counts a file that was added now."""
        with self._lock:
            self._added += 1
            self._show(path)

    def same(self, path: Path) -> None:
        """Counts a file that was stored already."""
        with self._lock:
            self._same += 1
            self._show(path)

    def failed(self, path: Path, error: Exception) -> None:
        """Counts a file that was not added."""
        with self._lock:
            self._failed.append((path, error))
            self._show(path, error)

    def report(self) -> Report:
        """Returns what has become of the files until now."""
        with self._lock:
            return Report(self._added, self._same, tuple(self._failed))

    def _show(self, path: Path, error: Exception | None = None) -> None:
        """Calls back, one thread at a time."""
        if self._on_file is not None:
            counts = self._added, self._same, len(self._failed), self._sent_bytes
            self._on_file(Progress(*counts, path, error))
