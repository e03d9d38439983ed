"""What has become of the files of an upload."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from similarity_client.errors import SimilarityError
from similarity_client.upload.entry import Entry

Failure = tuple[Path, Exception]


@dataclass(frozen=True, slots=True)
class Report:
    """What has become of the files of an upload.

    Args:
        added: how many were added now.
        same: how many were stored already.
        failed: each path that was not added, and why.
        similar: how many were left out, with `unique`, since they are stored under another id.
    """

    added: int = 0
    same: int = 0
    failed: tuple[Failure, ...] = ()
    similar: int = 0

    @property
    def done(self) -> int:
        """How many files all this is."""
        return self.added + self.same + len(self.failed) + self.similar

    def __str__(self) -> str:
        counts = counted(self.added, self.same, len(self.failed), self.similar)
        return f"{self.done:,} files: {counts}"


def counted(added: int, same: int, failed: int, similar: int) -> str:
    """Returns counts in words; those that were left out only where there are any."""
    left_out = f", {similar:,} left out" if similar else ""
    return f"{added:,} added, {same:,} stored before{left_out}, {failed:,} failed"


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
        id: of the image; None where the file failed before it got one.
        state: of the file: `added`, `same`, `similar` or `failed`.
        similar: files, as in the report; `error` of one names the image that it is like.
    """

    added: int
    same: int
    failed: int
    sent_bytes: int
    path: Path
    error: Exception | None
    id: str | None = None
    state: str = ""
    similar: int = 0

    @property
    def done(self) -> int:
        """How many files are done."""
        return self.added + self.same + self.failed + self.similar


OnFile = Callable[[Progress], None]


class Tally:
    """Counts images as they are done, by many threads.

    Args:
        keeps: whether the report has all failures; else it has none, and memory stays constant.
    """

    def __init__(self, on_file: OnFile | None, keeps: bool = True) -> None:
        self._on_file = on_file
        self._keeps = keeps
        self._lock = threading.Lock()
        self._added = 0
        self._same = 0
        self._failed = 0
        self._similar = 0
        self._sent_bytes = 0
        self._failures: list[Failure] = []

    def sent(self, size: int) -> None:
        """Counts the bytes of an image that were sent."""
        with self._lock:
            self._sent_bytes += size

    def added(self, entry: Entry, image_id: str) -> None:
        """Counts an image that was added now."""
        with self._lock:
            self._added += 1
            self._show(entry, image_id, "added")

    def same(self, entry: Entry, image_id: str) -> None:
        """Counts an image that was stored already."""
        with self._lock:
            self._same += 1
            self._show(entry, image_id, "same")

    def similar(self, entry: Entry, image_id: str, error: SimilarityError) -> None:
        """Counts an image that was left out: the error says which one it is like."""
        with self._lock:
            self._similar += 1
            self._show(entry, image_id, "similar", error)

    def failed(self, entry: Entry, error: Exception, image_id: str | None = None) -> None:
        """Counts an image that was not added."""
        with self._lock:
            self._failed += 1
            if self._keeps:
                self._failures.append((entry.path, error))
            self._show(entry, image_id, "failed", error)

    def report(self) -> Report:
        """Returns what has become of the images until now."""
        with self._lock:
            return Report(self._added, self._same, tuple(self._failures), self._similar)

    def _show(
        self, entry: Entry, image_id: str | None, state: str, error: Exception | None = None
    ) -> None:
        """Calls back, one thread at a time."""
        entry.release()
        if self._on_file is not None:
            counts = self._added, self._same, self._failed, self._sent_bytes
            self._on_file(Progress(*counts, entry.path, error, image_id, state, self._similar))
