"""The resource that compares two images."""

from dataclasses import asdict

import falcon

from sidecar.errors import DataRequired, WrongArguments
from sidecar.http.reading.boxes import BOX, OTHER_BOX, box
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.multipart import FIELD
from sidecar.http.reading.params import image_id, number
from sidecar.http.reading.uploads import ImageReader
from sidecar.images import Box, ids
from sidecar.search.compare import SHARED, Compare
from sidecar.search.example import Example

OTHER_ID, OTHER_FIELD = "other_id", "other_data"


class CompareResource:
    """Compares two images: POST /similarity/compare.

    One is `id`, a stored image, or the file `data`; the other is `other_id` or `other_data`. `box`
    and `other_box` are the parts of them that count.
    """

    def __init__(self, compare: Compare, reader: ImageReader) -> None:
        self._compare = compare
        self._reader = reader

    @takes("id", "image_id", OTHER_ID, "keyword_threshold", BOX, OTHER_BOX, body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        files = self._reader.read_named(req, FIELD, OTHER_FIELD)  # the form may hold parameters
        threshold = number(req, "keyword_threshold", SHARED)
        cuts = box(req), box(req, OTHER_BOX)
        other_id = req.get_param(OTHER_ID)
        one = self._side("id", image_id(req), FIELD, files.get(FIELD), cuts[0])
        other = self._side(OTHER_ID, other_id, OTHER_FIELD, files.get(OTHER_FIELD), cuts[1])
        found = self._compare.compare(one, other, threshold)
        resp.set_header("X-Model-Version", str(found.version))
        resp.media = {
            "status": "ok",
            "dist": found.dist,
            "keywords_shared": [asdict(keyword) for keyword in found.keywords_shared],
        }

    def _side(
        self, name: str, given: str | None, field: str, upload: bytes | None, cut: Box | None
    ) -> Example:
        """Returns one of the two images: that of an id, or that of a file."""
        if given is not None and upload is not None:
            raise WrongArguments(
                f"send {name} or {field}, not both: the other image is other_id or other_data"
            )
        if given is not None:
            return Example(id=ids.known(given), box=cut)
        if not upload:
            raise DataRequired(
                "send two images: id or the file data, and other_id or the file other_data"
            )
        return self._compare.examples.uploaded(upload, cut)
