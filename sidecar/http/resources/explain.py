"""The resource that explains a match."""

from dataclasses import asdict, astuple

import falcon

from sidecar.errors import WrongArguments
from sidecar.http.reading.boxes import BOX, box
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import number
from sidecar.http.reading.uploads import ImageReader
from sidecar.images import ids
from sidecar.search.compare import SHARED
from sidecar.search.example import Example
from sidecar.search.explain import Explain

QUERY, MATCH, THRESHOLD = "query", "match", "keyword_threshold"


class ExplainResource:
    """Says why a stored image matches a query: GET and POST /similarity/explain.

    The query is `query`, a stored image, or with POST the file `data`; `box` is the part of it that
    counts. The match is `match`, a stored image.
    """

    def __init__(self, explain: Explain, reader: ImageReader) -> None:
        self._explain = explain
        self._reader = reader

    @takes(QUERY, MATCH, THRESHOLD, BOX)
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        self._answer(req, resp, Example(_id(req, QUERY), box=box(req)))

    @takes(MATCH, THRESHOLD, BOX, body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read(req)  # its form may hold the parameters
        cut = box(req)
        _id(req, MATCH)  # a wrong one is refused before the upload is decoded
        self._answer(req, resp, self._explain.examples.uploaded(upload, cut))

    def _answer(self, req: falcon.Request, resp: falcon.Response, query: Example) -> None:
        match, threshold = _id(req, MATCH), number(req, THRESHOLD, SHARED)
        found = self._explain.explain(query, match, threshold)
        resp.set_header("X-Model-Version", str(found.version))
        resp.media = {
            "status": "ok",
            "similarity": found.similarity,
            "dist": found.dist,
            "map": found.map,
            "box": astuple(found.box),
            "keywords_shared": [asdict(keyword) for keyword in found.keywords_shared],
        }


def _id(req: falcon.Request, name: str) -> str:
    """Returns the id of a stored image in a parameter."""
    given = req.get_param(name)
    if given is None:
        raise WrongArguments(f"send the id of an image: {name}=ID")
    return ids.known(given)
