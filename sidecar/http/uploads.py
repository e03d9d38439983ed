"""The files of a request, without ever holding more of them than is allowed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import falcon
from falcon.media.multipart import BodyPart, MultipartForm, MultipartFormHandler

from sidecar.errors import (
    BatchTooLarge,
    DataRequired,
    ImageTooLarge,
    RequestTimeout,
    SimilarityError,
    StorageFull,
    WrongArguments,
)
from sidecar.images import archives
from sidecar.images.archives import BatchRules, File

FIELD = "data"
FORM_BYTES = 64 * 1024  # what boundaries, headers and other fields may add to an image
DRAINED_BYTES = 1 << 28
PIECE_BYTES = 1 << 16


def read_image(req: falcon.Request, max_bytes: int) -> bytes:
    """The bytes of the multipart field `data`.

    Raises:
        DataRequired: the request has no such field, or an empty one.
        ImageTooLarge: more than `max_bytes`.
        WrongArguments: more than one such field.
    """
    if (req.content_length or 0) > max_bytes + FORM_BYTES:
        _drain(req)
        raise _too_large(max_bytes)
    found = None
    for part in _form(req, max_bytes + FORM_BYTES):
        if not _is_data(part):
            continue
        if found is not None:
            raise WrongArguments(f"one field {FIELD!r} at a time: add_batch takes many")
        found = part.stream.read(max_bytes + 1)
        if len(found) > max_bytes:
            raise _too_large(max_bytes)
    if not found:
        raise _data_required()
    return found


@dataclass(frozen=True)
class BatchReader:
    """Reads the files of a batch while they arrive.

    Args:
        rules: how large it may be.
        folder: where an archive lies until it has been read.
    """

    rules: BatchRules
    folder: Path

    def read(self, req: falcon.Request) -> Iterator[File]:
        """Every multipart field `data`, and what is in those that are a tar or a zip; or the files
        of the tar or zip that the whole body is.

        Trouble with the request itself is raised where it comes before the first file; later, when
        some have been added, it is one more file that can't be had.

        Raises:
            DataRequired, WrongArguments, ArchiveUnreadable, BatchTooLarge, StorageFull.
        """
        if (req.content_length or 0) > self.rules.max_batch_bytes:
            _drain(req)
            raise _batch_too_large(self.rules)
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
            raise _data_required()

    def _files(self, req: falcon.Request) -> Iterator[File]:
        if not (req.content_type or "").startswith(falcon.MEDIA_MULTIPART):
            yield from self._unpacked(_Arriving(req))
            return
        held: list[File] = []  # an image may be cut short, until the form goes on after it
        for part in _form(req, self.rules.max_batch_bytes, any_number=True):
            yield from held
            held = []
            if not _is_data(part):
                continue
            if archives.is_archive(part.stream.peek(archives.MAGIC_BYTES)):
                yield from self._unpacked(part.stream)
            else:
                held = [self._image(part)]
        yield from held

    def _image(self, part: BodyPart) -> File:
        most = self.rules.max_image_bytes
        content: bytes = part.stream.read(most + 1)
        return File(part.filename or "", content if len(content) <= most else _too_large(most))

    def _unpacked(self, stream: Any) -> Iterator[File]:
        """The files of an archive, which has to be on the disk: a zip is read from its end."""
        with self._spooled(stream) as archive:
            yield from archives.files(archive, self.rules)

    @contextmanager
    def _spooled(self, stream: Any) -> Iterator[IO[bytes]]:
        """A stream in a file that has no name, so that whatever happens nothing of it stays."""
        with _telling_of_no_room():
            file = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115 - closed just below
        with file:
            while piece := stream.read(PIECE_BYTES):
                with _telling_of_no_room():
                    file.write(piece)
                if file.tell() > self.rules.max_batch_bytes:
                    raise _batch_too_large(self.rules)
            if not file.tell():
                raise _data_required()
            with _telling_of_no_room():
                file.seek(0)  # which writes what is still in memory
            yield file


class _Arriving:
    """The body of a request, for as long as the server is patient (`gunicorn_worker`)."""

    def __init__(self, req: falcon.Request) -> None:
        # Falcon would take a body without a length, which comes in chunks, for an empty one.
        self._stream: Any = req.stream if req.content_length is None else req.bounded_stream

    def read(self, size: int = -1) -> bytes:
        """Raises RequestTimeout."""
        try:
            return bytes(self._stream.read(size))
        except BlockingIOError as error:
            raise RequestTimeout("the request took too long to arrive") from error


@contextmanager
def _telling_of_no_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFull(f"no room for the batch: {error}") from error


def _form(req: falcon.Request, max_bytes: int, any_number: bool = False) -> MultipartForm:
    """Args: any_number: of fields; Falcon's own limit, which is 64, holds otherwise."""
    if not (req.content_type or "").startswith(falcon.MEDIA_MULTIPART):
        raise _data_required()
    handler = MultipartFormHandler()
    if any_number:
        handler.parse_options.max_body_part_count = 0
    stream: Any = _Arriving(req)
    form = handler.deserialize(stream, req.content_type, req.content_length or max_bytes)
    assert isinstance(form, MultipartForm)
    return form


def _is_data(part: BodyPart) -> bool:
    """Whether a part is a field `data`. Raises WrongArguments: its header can't be read."""
    try:
        return part.name == FIELD
    except UnicodeDecodeError as error:
        raise WrongArguments("the name of a field or of its file is not in UTF-8") from error


def _drain(req: falcon.Request) -> None:
    """Read an upload that is refused: most clients read no answer before they have sent it all."""
    if req.get_header("Expect"):
        return  # this one asked first
    left = min(req.content_length or 0, DRAINED_BYTES)
    while left > 0 and (piece := req.bounded_stream.read(min(left, PIECE_BYTES))):
        left -= len(piece)


def _data_required() -> DataRequired:
    return DataRequired(f"send the image as the multipart field {FIELD!r}, as curl -F does")


def _batch_too_large(rules: BatchRules) -> BatchTooLarge:
    return BatchTooLarge(f"a batch has at most {rules.max_batch_bytes} bytes here")


def _too_large(max_bytes: int) -> ImageTooLarge:
    return ImageTooLarge(f"an upload has at most {max_bytes} bytes here")
