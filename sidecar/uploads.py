"""The image out of a multipart request, without ever holding more of it than is allowed."""

import falcon
from falcon.media.multipart import MultipartForm, MultipartFormHandler

from sidecar.errors import DataRequired, ImageTooLarge, WrongArguments

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
        if part.name != FIELD:
            continue
        if found is not None:
            raise WrongArguments(f"one field {FIELD!r} at a time")
        found = part.stream.read(max_bytes + 1)
        if len(found) > max_bytes:
            raise _too_large(max_bytes)
    if not found:
        raise DataRequired(f"send the image as the multipart field {FIELD!r}, as curl -F does")
    return found


def _form(req: falcon.Request, max_bytes: int) -> MultipartForm:
    if not (req.content_type or "").startswith(falcon.MEDIA_MULTIPART):
        raise DataRequired(f"send the image as the multipart field {FIELD!r}, as curl -F does")
    if req.content_length is not None:
        form = req.get_media()
    else:  # chunked: Falcon would take a body without a length for an empty one
        form = MultipartFormHandler().deserialize(req.stream, req.content_type, max_bytes)
    assert isinstance(form, MultipartForm)
    return form


def _drain(req: falcon.Request) -> None:
    """Read an upload that is refused: most clients read no answer before they have sent it all."""
    if req.get_header("Expect"):
        return  # this one asked first
    left = min(req.content_length or 0, DRAINED_BYTES)
    while left > 0 and (piece := req.bounded_stream.read(min(left, PIECE_BYTES))):
        left -= len(piece)


def _too_large(max_bytes: int) -> ImageTooLarge:
    return ImageTooLarge(f"an upload has at most {max_bytes} bytes here")
