"""The HTTP resources of the path of an image: add, search, keywords.

A resource reads a request, asks the domain, and writes its answer as JSON. None catches an error:
`answers.py` turns them into answers.
"""

import math
from dataclasses import asdict

import falcon

from sidecar.http.params import TOP_K, number, required_id, whole_number
from sidecar.http.uploads import read_image
from sidecar.index import SearchRequest
from sidecar.models.keywords import Keywords
from sidecar.search import Neighbours, Search
from sidecar.settings import MOST_NPROB, MOST_RESULTS, Settings


class SearchResource:
    """POST /similarity/search, and GET /similarity/search?id=."""

    def __init__(self, search: Search, settings: Settings) -> None:
        self._search = search
        self._settings = settings

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        wanted = self._wanted(req)
        upload = read_image(req, self._settings.max_image_bytes)
        self._answer(resp, self._search.nearest(upload, wanted))

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        wanted = self._wanted(req)
        self._answer(resp, self._search.nearest_to(required_id(req), wanted))

    def _wanted(self, req: falcon.Request) -> SearchRequest:
        req.context.failed = {"dist": [], "result": []}  # what a failed answer holds besides
        few = self._settings.similarity_search_num_results
        return SearchRequest(
            num_results=whole_number(req, "num_results", MOST_RESULTS, few),
            nprob=whole_number(req, "nprob", MOST_NPROB, self._settings.nprob),
            max_dist=number(req, "max_dist", math.inf),
        )

    @staticmethod
    def _answer(resp: falcon.Response, found: Neighbours) -> None:
        resp.set_header("X-Model-Version", str(found.version))
        resp.set_header("X-Generation", str(found.generation))
        resp.media = {"dist": found.dist, "result": found.result, "status": "ok"}


class ConceptsResource:
    """POST /predict/concepts?top_k=&keyword_threshold=."""

    def __init__(self, keywords: Keywords, max_bytes: int) -> None:
        self._keywords = keywords
        self._max_bytes = max_bytes

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        top_k = whole_number(req, "top_k", MOST_RESULTS, TOP_K)
        threshold = number(req, "keyword_threshold", 0.0)
        found, version = self._keywords.of(read_image(req, self._max_bytes), top_k, threshold)
        resp.set_header("X-Model-Version", str(version))
        resp.media = {"status": "ok", "concepts": [asdict(keyword) for keyword in found]}
