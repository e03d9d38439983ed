"""Reads the files of a batch while they arrive, without holding more of them than is allowed."""

import logging
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import IO, Any

import falcon
from falcon.media.multipart import BodyPart

from sidecar.errors import (
    BatchStopped,
    BatchTooLarge,
    SimilarityError,
    StorageFull,
    WrongArguments,
)
from sidecar.files import in_units
from sidecar.http.reading.known_params import take_field
from sidecar.http.reading.multipart import (
    PIECE_BYTES,
    Body,
    data_required,
    field_name,
    fields,
    filename_of,
    is_data,
    is_form,
)
from sidecar.http.reading.uploads import image_too_large
from sidecar.images import BatchRules, File, archives, names
from sidecar.images.archives.members import too_many_files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchReader:
    """Reads the files of a batch while they arrive.

    Args:
        rules: how large images and batches may be.
        folder: where an archive lies while it is read.
        stopping: set when the process ends, and batches with it.
    """

    rules: BatchRules
    folder: Path
    stopping: Event = field(default_factory=Event)

    def read(self, req: falcon.Request, head: bytes = b"") -> Generator[File, None, None]:
        """Yields every multipart field `data`, unpacked where it is an archive; or the files of the
        archive that is the whole body.

        Any error is raised if it comes before the first file; later, when some have been added, it
        is yielded as one more file, which can't be read.

        Args:
            head: what was read already of a body that is no form.
        Raises:
            DataRequired, WrongArguments, ArchiveUnreadable, BatchTooLarge, BatchStopped,
            StorageFull, RequestTimeout.
        """
        if (req.content_length or 0) > self.rules.max_batch_bytes:
            raise self._too_large()
        count = 0
        try:
            for file in self._files(req, head):
                self._check_going_on(count)
                count += 1
                yield file
                del file  # not held while the next one is read
        except Exception as error:
            stops = self.stopping.is_set()
            if not count and not stops:
                raise
            if not count:
                raise _stopped(0) from error
            yield File("", _stopped(count) if stops else _known(error))
        if not count:
            raise data_required()

    def _files(self, req: falcon.Request, head: bytes) -> Iterator[File]:
        body = _EndingBody(req, self.stopping, head)
        if not is_form(req):
            yield from self._unpacked(body)
            return
        any_file = False
        held: list[File] = []  # an image may be cut short, until the form goes on after it
        form = fields(req, body, self.rules.max_batch_bytes, any_number=True)
        for number, part in enumerate(form):
            yield from held
            held = []
            if number >= self.rules.max_files:
                raise too_many_files(self.rules)
            if field_name(part) == "metadata":
                held.append(File(names.METADATA, self._image(part).content))
                continue
            if not is_data(part):
                take_field(req, part, too_late=any_file)
                continue
            any_file = True
            if archives.is_archive(part.stream.peek(archives.MAGIC_BYTES)):
                yield from self._unpacked(part.stream)
            elif not names.is_clutter(filename_of(part)):
                held = [self._image(part)]
        yield from held

    def _check_going_on(self, count: int) -> None:
        """Raises BatchStopped or BatchTooLarge, if no file after so many is to be added."""
        if self.stopping.is_set():
            raise _stopped(count)
        if count >= self.rules.max_files:
            raise too_many_files(self.rules)

    def _image(self, part: BodyPart) -> File:
        most = self.rules.max_image_bytes
        content: bytes = part.stream.read(most + 1)
        return File(filename_of(part), content if len(content) <= most else image_too_large(most))

    def _unpacked(self, stream: Any) -> Iterator[File]:
        """Yields the files of an archive, from the disk: a zip is read from its end."""
        with self._spooled(stream) as archive:
            yield from archives.files(archive, self.rules)

    @contextmanager
    def _spooled(self, stream: Any) -> Iterator[IO[bytes]]:
        """Yields a stream as a file that has no name, so nothing of it stays whatever happens."""
        with _storage_full():
            file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 - closed just below
        with file:
            while piece := stream.read(PIECE_BYTES):
                with _storage_full():
                    file.write(piece)
                if file.tell() > self.rules.max_batch_bytes:
                    raise self._too_large()
            if self.stopping.is_set():
                raise _stopped(0)  # it may have ended too early
            if not file.tell():
                raise data_required()
            with _storage_full():
                file.seek(0)  # writes what is still in memory
            yield file

    def _too_large(self) -> BatchTooLarge:
        limit = in_units(self.rules.max_batch_bytes)
        return BatchTooLarge(f"the batch is larger than {limit} (MAX_BATCH_BYTES)")


class _EndingBody(Body):
    """Reads the body of a batch, after what was read of it already, until the process ends."""

    def __init__(self, req: falcon.Request, stopping: Event, head: bytes) -> None:
        super().__init__(req)
        self._head = head
        self._stopping = stopping

    def read(self, size: int = -1) -> bytes:
        if self._stopping.is_set():
            raise _stopped(0)
        if self._head:
            head, self._head = self._head, b""
            return head
        return super().read(size)


def _stopped(count: int) -> BatchStopped:
    return BatchStopped(
        f"the service is restarting: {count:,} files have their line, none after them was used: "
        "send those again"
    )


def _known(error: Exception) -> SimilarityError:
    """Returns an error as one of ours: what came until then is answered, whatever happens."""
    if isinstance(error, SimilarityError):
        return error
    if isinstance(error, falcon.HTTPError | OSError):
        return WrongArguments(f"the request breaks off: {error}")
    log.error("a batch can't be read on", exc_info=error)
    return SimilarityError("an unexpected error: see the log, under the request id")


@contextmanager
def _storage_full() -> Iterator[None]:
    """Makes an error of the disk a StorageFull."""
    try:
        yield
    except OSError as error:
        raise StorageFull(f"no room in DATA_DIR for the batch: {error}") from error
