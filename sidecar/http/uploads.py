"""Reads the image of a request, without ever holding more of it than is allowed."""

from dataclasses import dataclass

import falcon

from sidecar.errors import ImageTooLarge, WrongArguments
from sidecar.files import in_units
from sidecar.http.multipart import FIELD, Body, data_required, fields, is_data

FORM_BYTES = 64 * 1024  # what boundaries, headers and other fields may add to an image


@dataclass(frozen=True)
class ImageReader:
    """Reads the image of a request.

    Args:
        max_bytes: of the image.
        timeout_s: in which a request has to arrive.
    """

    max_bytes: int
    timeout_s: float

    def read(self, req: falcon.Request) -> bytes:
        """Returns the bytes of the multipart field `data`.

        Raises:
            DataRequired: the request has no such field, or an empty one.
            ImageTooLarge: it is larger than `max_bytes`.
            RequestTimeout: it did not arrive in time.
            WrongArguments: the request has more than one such field.
        """
        largest = self.max_bytes + FORM_BYTES
        if (req.content_length or 0) > largest:
            raise image_too_large(self.max_bytes)
        found = None
        for field in fields(req, Body(req, self.timeout_s), largest):
            if not is_data(field):
                continue
            if found is not None:
                raise WrongArguments(f"send one field {FIELD!r}: add_batch takes many")
            found = field.stream.read(self.max_bytes + 1)
            if len(found) > self.max_bytes:
                raise image_too_large(self.max_bytes)
        if not found:
            raise data_required()
        return found


def image_too_large(max_bytes: int) -> ImageTooLarge:
    """Returns the error of an image with more than `max_bytes`."""
    return ImageTooLarge(f"the upload is larger than {in_units(max_bytes)} (MAX_IMAGE_BYTES)")
