"""Answers a search: the fields of the specification, and what a client asks for beside them."""

from dataclasses import asdict
from typing import Any

import falcon

from sidecar.http.reading.params import flag
from sidecar.search.matches import Matches
from sidecar.search.neighbours import Neighbours
from sidecar.search.view import View

WITH_FIELDS = "application/vnd.similarity+json"


def send(
    req: falcon.Request, resp: falcon.Response, neighbours: Neighbours, matches: Matches
) -> None:
    """Answers a search; where the client wants them, with the fields of each image."""
    _send_head(resp, neighbours.version, neighbours.generation, neighbours.unindexed)
    answer: dict[str, Any] = {"dist": neighbours.dist, "result": neighbours.result, "status": "ok"}
    if neighbours.score is not None:
        answer["score"] = neighbours.score
    if neighbours.probability is not None:
        answer["probability"] = neighbours.probability
    if flag(req, "fields") or req.client_prefers((falcon.MEDIA_JSON, WITH_FIELDS)) == WITH_FIELDS:
        answer["matches"] = [asdict(match) for match in matches.of(neighbours)]
    resp.media = answer


def send_view(resp: falcon.Response, view: View) -> None:
    """Answers in which view something was found, in headers."""
    _send_head(resp, view.version, view.number, view.unindexed)


def _send_head(resp: falcon.Response, version: int, generation: int, unindexed: int) -> None:
    resp.set_header("X-Model-Version", str(version))
    resp.set_header("X-Generation", str(generation))
    resp.set_header("X-Unindexed", str(unindexed))
