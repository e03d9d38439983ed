"""Reads the files of a batch while they arrive, without holding more of them than is allowed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import falcon
from falcon.media.multipart import BodyPart

from sidecar.errors import BatchTooLarge, SimilarityError, StorageFull, WrongArguments
from sidecar.files import in_units
from sidecar.http.multipart import (
    PIECE_BYTES,
    Body,
    data_required,
    fields,
    is_data,
    is_form,
)
from sidecar.http.uploads import image_too_large
from sidecar.images import BatchRules, File, archives


@dataclass(frozen=True)
class BatchReader:
    """Reads the files of a batch while they arrive.

    Args:
        rules: how large images and batches may be.
        folder: where an archive lies while it is read.
        timeout_s: for which a request may pause.
    """

    rules: BatchRules
    folder: Path
    timeout_s: float

    def read(self, req: falcon.Request) -> Iterator[File]:
        """Yields every multipart field `data`, unpacked where it is a tar or zip; or the files of
        the tar or zip that is the whole body.

        An error of the request itself is raised if it comes before the first file; later, when some
        have been added, it is yielded as one more file, which can't be read.

        Raises:
            DataRequired, WrongArguments, ArchiveUnreadable, BatchTooLarge, StorageFull,
            RequestTimeout.
        """
        if (req.content_length or 0) > self.rules.max_batch_bytes:
            raise self._too_large()
        began = False
        try:
            for file in self._files(req):
                began = True
                yield file
        except (SimilarityError, falcon.HTTPError) as error:
            if not began:
                raise
            known = isinstance(error, SimilarityError)
            yield File("", error if known else WrongArguments(f"the request breaks off: {error}"))
        if not began:
            raise data_required()

    def _files(self, req: falcon.Request) -> Iterator[File]:
        body = Body(req, self.timeout_s)
        if not is_form(req):
            yield from self._unpacked(body)
            return
        held: list[File] = []  # an image may be cut short, until the form goes on after it
        for field in fields(req, body, self.rules.max_batch_bytes, any_number=True):
            yield from held
            held = []
            if not is_data(field):
                continue
            if archives.is_archive(field.stream.peek(archives.MAGIC_BYTES)):
                yield from self._unpacked(field.stream)
            else:
                held = [self._image(field)]
        yield from held

    def _image(self, field: BodyPart) -> File:
        most = self.rules.max_image_bytes
        content: bytes = field.stream.read(most + 1)
        return File(
            field.filename or "", content if len(content) <= most else image_too_large(most)
        )

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
            if not file.tell():
                raise data_required()
            with _storage_full():
                file.seek(0)  # writes what is still in memory
            yield file

    def _too_large(self) -> BatchTooLarge:
        limit = in_units(self.rules.max_batch_bytes)
        return BatchTooLarge(f"the batch is larger than {limit} (MAX_BATCH_BYTES)")


@contextmanager
def _storage_full() -> Iterator[None]:
    """Makes an error of the disk a StorageFull."""
    try:
        yield
    except OSError as error:
        raise StorageFull(f"no room in DATA_DIR for the batch: {error}") from error
