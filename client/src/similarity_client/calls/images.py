"""The calls about single images that are stored: look at, describe, remove."""

from collections.abc import Mapping
from typing import Any

from similarity_client.answers import File, Image, Keyword, Metadata, Removed
from similarity_client.answers.meta import made, meta, part
from similarity_client.bodies import of_json
from similarity_client.calls.making import params, path_of
from similarity_client.request import Reply, Request, is_success


def remove(id: str, *, timeout: float | None = None) -> Request[Removed]:  # noqa: A002
    """Removes an image; the next search no longer finds it.

    Raises:
        UnknownImageId: there is none of this id.
    """

    def is_gone(reply: Reply) -> bool:
        """Says whether it is gone, maybe by an earlier attempt whose answer was lost."""
        return is_success(reply) or (reply.lost and reply.status == 404)

    def parse(reply: Reply) -> Removed:
        return Removed(id, meta(reply))

    return Request("DELETE", path_of(id), parse, accepts=is_gone, timeout=timeout)


def get(
    id: str,  # noqa: A002
    *,
    top_k: int | None = None,
    keyword_threshold: float | None = None,
    timeout: float | None = None,
) -> Request[Image]:
    """Describes a stored image.

    Args:
        top_k: how many keywords there are at most.
        keyword_threshold: the least score of a keyword.
    """

    def parse(reply: Reply) -> Image:
        answer = reply.json()
        keywords = tuple(made(Keyword, each) for each in part(answer, "keywords"))
        return made(Image, answer, keywords=keywords, meta=meta(reply))

    query = params(top_k=top_k, keyword_threshold=keyword_threshold)
    return Request("GET", path_of(id), parse, query, timeout=timeout)


def thumbnail(id: str, *, timeout: float | None = None) -> Request[File]:  # noqa: A002
    """Gets the JPEG that is kept of an image."""
    return Request("GET", path_of(id, "/thumbnail"), _file, timeout=timeout)


def original(id: str, *, timeout: float | None = None) -> Request[File]:  # noqa: A002
    """Gets the upload itself. Raises NoOriginal: the service does not keep them."""
    return Request("GET", path_of(id, "/original"), _file, timeout=timeout)


def _file(reply: Reply) -> File:
    kind = reply.headers.get("content-type", "")
    return File(reply.content, kind, reply.headers.get("etag"), meta(reply))


def metadata(id: str, *, timeout: float | None = None) -> Request[Metadata]:  # noqa: A002
    """Gets what is said of an image."""
    return Request("GET", path_of(id, "/metadata"), _metadata, timeout=timeout)


def put_metadata(
    id: str,  # noqa: A002
    metadata: Mapping[str, Any],
    *,
    timeout: float | None = None,
) -> Request[Metadata]:
    """Replaces what is said of an image."""
    body = of_json(dict(metadata))
    return Request("PUT", path_of(id, "/metadata"), _metadata, body=body, timeout=timeout)


def patch_metadata(
    id: str,  # noqa: A002
    changes: Mapping[str, Any],
    *,
    timeout: float | None = None,
) -> Request[Metadata]:
    """Changes some fields of what is said of an image; None takes one away."""
    body = of_json(dict(changes))
    return Request("PATCH", path_of(id, "/metadata"), _metadata, body=body, timeout=timeout)


def _metadata(reply: Reply) -> Metadata:
    return made(Metadata, reply.json(), meta=meta(reply))
