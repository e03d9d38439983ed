"""The resources that say what the model makes of an image: its keywords, and its features."""

from dataclasses import asdict

import falcon

from sidecar.http.reading.boxes import BOX, box
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import TOP_K, number, whole_number
from sidecar.http.reading.uploads import ImageReader
from sidecar.http.reading.vectors import send
from sidecar.models.keywords import Keywords
from sidecar.settings import MOST_RESULTS


class ConceptsResource:
    """Names what an image shows: POST /predict/concepts?top_k=&keyword_threshold=."""

    def __init__(self, keywords: Keywords, reader: ImageReader) -> None:
        self._keywords = keywords
        self._reader = reader

    @takes("top_k", "keyword_threshold", BOX, body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read(req)  # its form may hold the parameters
        top_k = whole_number(req, "top_k", MOST_RESULTS, TOP_K)
        threshold = number(req, "keyword_threshold", 0.0)
        keywords, version = self._keywords.of(upload, top_k, threshold, box(req))
        resp.set_header("X-Model-Version", str(version))
        resp.media = {"status": "ok", "concepts": [asdict(keyword) for keyword in keywords]}


class FeaturesResource:
    """Sends the features of an image: POST /predict/features."""

    def __init__(self, keywords: Keywords, reader: ImageReader) -> None:
        self._keywords = keywords
        self._reader = reader

    @takes(BOX, body=True)
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        upload = self._reader.read(req)  # as above
        features, version = self._keywords.features(upload, box(req))
        resp.set_header("X-Model-Version", str(version))
        send(req, resp, features)
