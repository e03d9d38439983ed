"""Adds the many images of one request, each as if it came alone."""

import hashlib
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from sidecar.bytes_in_flight import Window
from sidecar.catalogue import Metadata
from sidecar.errors import DuplicateId, SimilarityError, WrongArguments
from sidecar.images import File, ids, names
from sidecar.images.names import IdFrom
from sidecar.ingest.batch_metadata import BatchMetadata
from sidecar.ingest.single import Ingest
from sidecar.models import lanes
from sidecar.telemetry import request_ids

log = logging.getLogger(__name__)

AT_ONCE = 32  # images of a process: enough to fill Triton's batches
WINDOW_BYTES = 64 << 20  # of their uploads, in all batches of a process


@dataclass(frozen=True)
class Outcome:
    """The outcome of a file: its id, or its error."""

    name: str
    id: str | None
    error: SimilarityError | None


_InFlight = deque[tuple[bytes, Future[Outcome]]]  # each with the mark of its id


@dataclass(frozen=True)
class _Job:
    """A file to be added.

    Args:
        image_id: None draws one.
        refusal: why it can't be added, whatever is in it.
        is_again: whether the batch has added a file under this id before.
        document: its metadata, if they came before it.
    """

    file: File
    image_id: str | None
    refusal: WrongArguments | None
    is_again: bool = False
    document: str | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.file.content) if isinstance(self.file.content, bytes) else 0


class IngestBatch:
    """Adds the files of a request side by side, in threads that `close` ends."""

    def __init__(
        self, ingest: Ingest, metadata: Metadata, window_bytes: int = WINDOW_BYTES
    ) -> None:
        self._ingest = ingest
        self._metadata = metadata
        self._threads = ThreadPoolExecutor(AT_ONCE, "batch")
        self._window = Window(window_bytes)

    def add(
        self, files: Iterable[File], overwrite: bool, id_from: IdFrom = IdFrom.NAME
    ) -> Iterator[Outcome]:
        """Adds files as they come, at most `AT_ONCE` ahead of the one that is answered.

        A batch holds one file that waits, and a share of what the process holds at once.

        Args:
            overwrite: as in `Ingest.add`, of what was stored before; a file never replaces another
                of the same batch.
            id_from: what of a file's name is its id.
        Yields:
            an outcome for each file, in their order; a file that fails leaves the others alone.
        """
        in_flight: _InFlight = deque()
        added: set[bytes] = set()
        came: set[bytes] = set()
        said = BatchMetadata(self._metadata)
        for file in files:
            if names.is_metadata(file.name):
                while in_flight:
                    yield _first(in_flight, added)
                yield from _taken(file, said, added)
                continue
            image_id, refusal = _id_of(file, id_from)
            mark = _mark(image_id)
            came.add(mark)
            # Files of one id are added in their order, never side by side.
            while len(in_flight) == AT_ONCE or (mark and mark in {other for other, _ in in_flight}):
                yield _first(in_flight, added)
            document = said.of(image_id)
            job = _Job(file, image_id, refusal, mark in added, document)
            in_flight.append((mark, self._begin(job, overwrite)))
            del file, job  # not held while the next one is read
        while in_flight:
            yield _first(in_flight, added)
        for place, error in said.finish(lambda image_id: _mark(image_id) in came):
            yield Outcome(place, None, error)

    def close(self) -> None:
        """Ends the threads; files that have not begun are not added."""
        self._threads.shutdown(cancel_futures=True)

    def _begin(self, job: _Job, overwrite: bool) -> Future[Outcome]:
        self._window.enter(job.size_bytes)
        return self._threads.submit(self._add, job, overwrite, request_ids.current())

    def _add(self, job: _Job, overwrite: bool, request_id: str) -> Outcome:
        """Adds a file. Whatever happens is its outcome: the others' still have to come."""
        request_ids.begin(request_id)
        name = job.file.name
        try:
            return Outcome(name, self._added(job, overwrite), None)
        except SimilarityError as error:
            return Outcome(name, None, error)
        except Exception:
            log.exception("a file of a batch failed, request %s", request_id)
            unknown = SimilarityError("an unexpected error: see the log, under the request id")
            return Outcome(name, None, unknown)
        finally:
            self._window.leave(job.size_bytes)

    def _added(self, job: _Job, overwrite: bool) -> str:
        """Adds a file and returns its id; raises what keeps it away."""
        if isinstance(job.file.content, Exception):
            raise job.file.content
        if job.refusal is not None:
            raise job.refusal
        replace = overwrite and not job.is_again
        try:
            return self._ingest.add(
                job.file.content, job.image_id, replace, job.document, lanes.BATCH
            )
        except DuplicateId as error:
            if not job.is_again:
                raise
            raise DuplicateId(
                f"a file before it in the batch has the id {job.image_id}: rename one of them; "
                "where they lie in folders, id_from=path makes the folder a part of the id",
                error.identical,
            ) from error


def _id_of(file: File, id_from: IdFrom) -> tuple[str | None, WrongArguments | None]:
    """Returns the id of a file, None where it has no name; or why its name is none."""
    try:
        return names.id_of(file.name, id_from) if file.name else None, None
    except WrongArguments as error:
        return None, error


def _taken(file: File, said: BatchMetadata, added: set[bytes]) -> Iterator[Outcome]:
    """Takes a file of metadata; yields each line that fails, and then the file itself."""
    try:
        for place, error in said.take(file, lambda image_id: _mark(image_id) in added):
            yield Outcome(place, None, error)
    except SimilarityError as error:
        yield Outcome(file.name, None, error)
    else:
        yield Outcome(file.name, None, None)


def _first(in_flight: _InFlight, added: set[bytes]) -> Outcome:
    """Waits for the first file, and notes its id if it was added."""
    mark, future = in_flight.popleft()
    outcome = future.result()
    if outcome.error is None and mark:
        added.add(mark)
    return outcome


def _mark(image_id: str | None) -> bytes:
    """Returns what an id is remembered by, however it is written, b"" where there is none. A batch
    may have a hundred thousand long ones."""
    if image_id is None:
        return b""
    return hashlib.blake2b(ids.check(image_id).encode(), digest_size=16).digest()
