"""The calls that say what the model makes of an image."""

import struct

from similarity_client.answers import Concepts, Features, Keyword
from similarity_client.answers.meta import made, meta, part
from similarity_client.calls.making import params, with_image
from similarity_client.calls.options import Box
from similarity_client.photo import Photo
from similarity_client.request import Reply, Request

BYTES = "application/octet-stream"
FLOAT_BYTES = 4


def concepts(
    photo: Photo,
    *,
    top_k: int | None = None,
    keyword_threshold: float | None = None,
    box: Box | None = None,
    timeout: float | None = None,
) -> Request[Concepts]:
    """Names what an image shows: its likeliest keywords."""
    given = params(top_k=top_k, keyword_threshold=keyword_threshold, box=box)
    query, body = with_image(photo, given)
    return Request("POST", "/predict/concepts", _concepts, query, body=body, timeout=timeout)


def _concepts(reply: Reply) -> Concepts:
    named = tuple(made(Keyword, each) for each in part(reply.json(), "concepts"))
    return Concepts(named, meta(reply))


def features(
    photo: Photo, *, box: Box | None = None, timeout: float | None = None
) -> Request[Features]:
    """Gets the features of an image, which `search` takes as `vector`."""
    query, body = with_image(photo, params(box=box))
    headers = {"Accept": BYTES}  # a third of the JSON's bytes
    return Request("POST", "/predict/features", _features, query, headers, body, timeout=timeout)


def _features(reply: Reply) -> Features:
    count = len(reply.content) // FLOAT_BYTES
    return Features(struct.unpack(f"<{count}f", reply.content), meta(reply))
