"""Reads the image of a request, without ever holding more of it than is allowed."""

from dataclasses import dataclass

import falcon

from sidecar.errors import ImageTooLarge, WrongArguments
from sidecar.files import in_units
from sidecar.http.reading.known_params import FORM_BYTES, is_urlencoded, take_field, take_urlencoded
from sidecar.http.reading.multipart import FIELD, Body, data_required, field_name, fields, is_form


@dataclass(frozen=True)
class ImageReader:
    """Reads the image of a request.

    Args:
        max_bytes: of the image.
    """

    max_bytes: int

    def read(self, req: falcon.Request) -> bytes:
        """Returns the bytes of the multipart field `data`, or of a body whose type is of an image.

        The other fields of the form are parameters, which `params` reads afterwards.

        Raises:
            DataRequired: the request has no such field or body, or an empty one.
            ImageTooLarge: it is larger than `max_bytes`.
            RequestTimeout: it did not arrive in time.
            WrongArguments: the request has more than one such field, or a parameter that is none.
        """
        found = self._image(req)
        if not found:
            raise data_required()
        return found

    def read_if_any(self, req: falcon.Request) -> bytes | None:
        """Returns as `read` does, None where the request has no image, such as one whose parameters
        come as an urlencoded form; its other errors."""
        if is_urlencoded(req):
            take_urlencoded(req, but=FIELD)  # which is no file there
            return None
        return self._image(req)

    def read_named(self, req: falcon.Request, *names: str) -> dict[str, bytes]:
        """Returns the images in the multipart fields of these names, by name; a body whose type is
        of an image is the first one. None need be there; other errors as `read`."""
        if is_image(req):
            return {names[0]: self._whole_body(req)}
        if not is_form(req):
            if is_urlencoded(req):
                take_urlencoded(req)
            return {}
        return self._fields(req, names)

    def _image(self, req: falcon.Request) -> bytes | None:
        return self._whole_body(req) if is_image(req) else self._fields(req, (FIELD,)).get(FIELD)

    def _whole_body(self, req: falcon.Request) -> bytes:
        found = self._body(req)
        if len(found) > self.max_bytes:
            raise image_too_large(self.max_bytes)
        return found

    def _body(self, req: falcon.Request) -> bytes:
        self._check_length(req, self.max_bytes)
        found = Body(req).read(self.max_bytes + 1)
        if len(found) < (req.content_length or 0):
            raise WrongArguments("the request breaks off")
        return found

    def _fields(self, req: falcon.Request, names: tuple[str, ...]) -> dict[str, bytes]:
        largest = len(names) * self.max_bytes + FORM_BYTES
        self._check_length(req, largest)
        found: dict[str, bytes] = {}
        for field in fields(req, Body(req), largest):
            name = field_name(field)
            if name not in names:
                take_field(req, field)
                continue
            if name in found:
                raise WrongArguments(f"send one field {name!r}: add_batch takes many")
            found[name] = field.stream.read(self.max_bytes + 1)
            if len(found[name]) > self.max_bytes:
                raise image_too_large(self.max_bytes)
        return found

    def _check_length(self, req: falcon.Request, largest: int) -> None:
        if (req.content_length or 0) > largest:
            raise image_too_large(self.max_bytes)


def is_image(req: falcon.Request) -> bool:
    """Returns whether the body of a request is an image by itself."""
    return (req.content_type or "").lower().startswith("image/")


def image_too_large(max_bytes: int) -> ImageTooLarge:
    """Returns the error of an image with more than `max_bytes`."""
    return ImageTooLarge(f"the upload is larger than {in_units(max_bytes)} (MAX_IMAGE_BYTES)")
