"""The resource of searches."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import falcon

from sidecar.errors import WrongArguments
from sidecar.http.reading.boxes import BOX, box
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.multipart import data_required
from sidecar.http.reading.params import required_id
from sidecar.http.reading.search_params import PROBABILITY, SEARCH, search_request
from sidecar.http.reading.uploads import ImageReader
from sidecar.http.reading.vectors import VECTOR, model_version, vector
from sidecar.http.search_answers import send
from sidecar.index import SearchRequest
from sidecar.search.by_image import Search
from sidecar.search.matches import Matches
from sidecar.search.neighbours import Neighbours
from sidecar.settings import Settings


class SearchResource:
    """Finds the nearest images: POST /similarity/search, and GET /similarity/search?id=.

    The query is an upload, a stored image, or features that /predict/features gave.
    """

    error_fields: Mapping[str, Any] = MappingProxyType({"dist": (), "result": ()})

    def __init__(
        self, search: Search, reader: ImageReader, matches: Matches, settings: Settings
    ) -> None:
        self._search = search
        self._reader = reader
        self._matches = matches
        self._settings = settings

    @takes(*SEARCH, PROBABILITY, VECTOR, BOX, body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read_if_any(req)  # its form may hold the parameters
        features = vector(req)
        if upload is not None and features is not None:
            raise WrongArguments("send data or vector, not both")
        if features is not None:
            if box(req) is not None:
                raise WrongArguments("box is a part of an image: a vector has none")
            version = model_version(req)
            self.answer(req, resp, self._search.nearest_of(features, version, self.request(req)))
        elif upload:
            self.answer(req, resp, self._search.nearest(upload, self.request(req), box(req)))
        else:
            raise data_required()

    @takes("id", "image_id", *SEARCH, PROBABILITY, BOX)
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        request = self.request(req)
        self.answer(req, resp, self._search.nearest_to(required_id(req), request, box(req)))

    def request(self, req: falcon.Request) -> SearchRequest:
        """Returns what a search's parameters ask for. Raises WrongArguments."""
        return search_request(req, self._settings)

    def answer(self, req: falcon.Request, resp: falcon.Response, neighbours: Neighbours) -> None:
        """Answers with what was found."""
        send(req, resp, neighbours, self._matches)
