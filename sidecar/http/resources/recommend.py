"""The resource that recommends images by examples."""

from collections.abc import Mapping
from typing import Any

import falcon

from sidecar.http.reading.feedback import PARAMETERS, FeedbackReader
from sidecar.http.reading.feedback_entries import KINDS
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.search_params import SEARCH
from sidecar.http.resources.search import SearchResource
from sidecar.search.by_examples import Recommend


class RecommendResource:
    """Finds images like some and unlike others: POST /similarity/recommend.

    It answers as a search does, and takes a search's parameters.
    """

    def __init__(
        self, recommend: Recommend, reader: FeedbackReader, search: SearchResource
    ) -> None:
        self._recommend = recommend
        self._reader = reader
        self._search = search
        self.error_fields: Mapping[str, Any] = search.error_fields

    @takes(*SEARCH, *PARAMETERS, body=True, many=KINDS)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        feedback = self._reader.read(req)  # which takes the parameters, too
        found = self._recommend.nearest(feedback, self._search.request(req))
        self._search.answer(req, resp, found)
