"""The resources that take an image and store nothing: search and keywords."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import falcon

from sidecar.http.known_params import takes
from sidecar.http.params import TOP_K, number, required_id, whole_number
from sidecar.http.uploads import ImageReader
from sidecar.index import SearchRequest
from sidecar.models.keywords import Keywords
from sidecar.search import Neighbours, Search
from sidecar.settings import MOST_NPROB, MOST_RESULTS, Settings


class SearchResource:
    """Finds the nearest images: POST /similarity/search, and GET /similarity/search?id=."""

    error_fields: Mapping[str, Any] = MappingProxyType({"dist": (), "result": ()})

    def __init__(self, search: Search, reader: ImageReader, settings: Settings) -> None:
        self._search = search
        self._reader = reader
        self._settings = settings

    @takes("num_results", "nprob", "max_dist", body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read(req)  # its form may hold the parameters
        self._answer(resp, self._search.nearest(upload, self._request(req)))

    @takes("id", "image_id", "num_results", "nprob", "max_dist")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        request = self._request(req)
        self._answer(resp, self._search.nearest_to(required_id(req), request))

    def _request(self, req: falcon.Request) -> SearchRequest:
        settings = self._settings
        results = settings.similarity_search_num_results
        return SearchRequest(
            num_results=whole_number(req, "num_results", MOST_RESULTS, results),
            nprob=whole_number(req, "nprob", MOST_NPROB, settings.nprob),
            max_dist=number(req, "max_dist", math.inf),
        )

    @staticmethod
    def _answer(resp: falcon.Response, neighbours: Neighbours) -> None:
        resp.set_header("X-Model-Version", str(neighbours.version))
        resp.set_header("X-Generation", str(neighbours.generation))
        resp.set_header("X-Unindexed", str(neighbours.unindexed))
        resp.media = {"dist": neighbours.dist, "result": neighbours.result, "status": "ok"}


class ConceptsResource:
    """Names what an image shows: POST /predict/concepts?top_k=&keyword_threshold=."""

    def __init__(self, keywords: Keywords, reader: ImageReader) -> None:
        self._keywords = keywords
        self._reader = reader

    @takes("top_k", "keyword_threshold", body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read(req)  # its form may hold the parameters
        top_k = whole_number(req, "top_k", MOST_RESULTS, TOP_K)
        threshold = number(req, "keyword_threshold", 0.0)
        keywords, version = self._keywords.of(upload, top_k, threshold)
        resp.set_header("X-Model-Version", str(version))
        resp.media = {"status": "ok", "concepts": [asdict(keyword) for keyword in keywords]}
