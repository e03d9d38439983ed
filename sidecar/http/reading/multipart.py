"""Reads the multipart form of a request while it arrives."""

from typing import Any

import falcon
from falcon.media.multipart import (
    BodyPart,
    MultipartForm,
    MultipartFormHandler,
    MultipartParseError,
)

from sidecar.errors import DataRequired
from sidecar.images import names

FIELD = "data"
PIECE_BYTES = 1 << 16


class Body:
    """Reads the body of a request, for as long as `transport` lets it arrive."""

    def __init__(self, req: falcon.Request) -> None:
        # Falcon would take a body without a length, which comes in chunks, for an empty one.
        self._stream: Any = req.stream if req.content_length is None else req.bounded_stream

    def read(self, size: int = -1) -> bytes:
        """Returns the next bytes. Raises RequestTimeout and RequestBroken."""
        return bytes(self._stream.read(size))


def is_form(req: falcon.Request) -> bool:
    """Returns whether the body of a request is a multipart form."""
    return (req.content_type or "").lower().startswith(falcon.MEDIA_MULTIPART)


def fields(
    req: falcon.Request, body: Body, max_bytes: int, any_number: bool = False
) -> MultipartForm:
    """Returns the fields of a form, to be read one after the other.

    Args:
        max_bytes: the limit of a body that comes without a length.
        any_number: whether Falcon's limit of 64 fields is lifted.
    Raises:
        DataRequired: the request has no form.
    """
    if not is_form(req):
        raise data_required()
    handler = MultipartFormHandler()
    if any_number:
        handler.parse_options.max_body_part_count = 0
    stream: Any = body
    form = handler.deserialize(stream, req.content_type, req.content_length or max_bytes)
    assert isinstance(form, MultipartForm)
    return form


def is_data(field: BodyPart) -> bool:
    """Returns whether a field is `data`."""
    return field_name(field) == FIELD


def field_name(field: BodyPart) -> str | None:
    """Returns the name of a field, if it has one."""
    return _disposition(field).get("name")


def has_filename(field: BodyPart) -> bool:
    """Returns whether a field is a file, were it one without a name."""
    return not _disposition(field).keys().isdisjoint(("filename", "filename*"))


def filename_of(field: BodyPart) -> str:
    """Returns the name of a field's file, as far as it can be read; "" without one."""
    plain = _disposition(field).get("filename", "")
    try:
        return field.filename or ""
    except MultipartParseError:  # a `filename*` whose encoding nobody knows
        return plain


def _disposition(field: BodyPart) -> dict[str, str]:
    """Returns what a field's header says, and has Falcon go by it, which reads nothing but UTF-8:
    browsers write as their page, curl as the system does."""
    raw = field._headers.get(b"content-disposition", b"")
    field._content_disposition = falcon.parse_header(names.decode(raw))
    return field._content_disposition[1]


def data_required() -> DataRequired:
    """Returns the error of a request without a file."""
    return DataRequired(
        f"send the image as the multipart field {FIELD!r}, as curl -F does, "
        "or as the body with its type, such as image/jpeg"
    )
