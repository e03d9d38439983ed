"""The resource of an image's metadata."""

import json
from typing import Any

import falcon

from sidecar import fields
from sidecar.catalogue import Metadata
from sidecar.errors import WrongArguments
from sidecar.files import in_units
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.multipart import Body
from sidecar.images import ids


class MetadataResource:
    """Shows and changes what is said of an image: /similarity/images/<id>/metadata.

    PUT replaces all of it, PATCH some fields.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def on_get(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        known = ids.known(image_id)
        _answer(resp, known, self._metadata.of(known))

    @takes(body=True)
    def on_put(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        known, document = ids.known(image_id), fields.checked(_body(req))
        self._metadata.replace(known, document)
        _answer(resp, known, document)

    @takes(body=True)
    def on_patch(self, req: falcon.Request, resp: falcon.Response, image_id: str) -> None:
        known, changes = ids.known(image_id), _body(req)
        fields.checked(changes)

        def make(document: str) -> str:
            return fields.checked(fields.patched(json.loads(document), changes))

        _answer(resp, known, self._metadata.change(known, make))


def _answer(resp: falcon.Response, image_id: str, document: str) -> None:
    resp.media = {"status": "ok", "id": image_id, "metadata": json.loads(document)}


def _body(req: falcon.Request) -> Any:
    """Returns the JSON in a body."""
    most = 2 * fields.MOST_BYTES  # as a client may write it, with spaces and \u escapes
    content = Body(req).read(most + 1)
    if len(content) > most:
        raise WrongArguments(f"the body is larger than {in_units(most)}")
    return fields.parsed(content)
