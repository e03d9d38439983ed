"""The call that adds an image."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from similarity_client.answers import Added, Similar
from similarity_client.answers.meta import made, meta, part
from similarity_client.bodies import compact
from similarity_client.calls.making import params, with_image
from similarity_client.photo import Photo
from similarity_client.request import Reply, Request, is_success

T = TypeVar("T")
Unique = Literal["same"]


def add(
    photo: Photo,
    id: str | None = None,  # noqa: A002 - the service's name of it
    *,
    overwrite: bool = False,
    metadata: Mapping[str, Any] | None = None,
    report_similar: int | None = None,
    unique: Unique | None = None,
    timeout: float | None = None,
) -> Request[Added]:
    """Adds an image; when this returns, it is on the service's disk.

    Args:
        photo: a path, bytes, an open file, or an image of Pillow, which is sent as PNG.
        id: drawn here where none is given, so that a second attempt can't add the image twice.
        overwrite: whether an image with this id is replaced.
        metadata: what is said of it, a flat object of 16 KiB.
        report_similar: how many of the nearest stored images are answered, 1 to 100.
        unique: "same" adds no image that is stored already, under another id.
    Raises:
        DuplicateImageId: the id is another image's.
        SimilarImage: with `unique`, the image is stored already.
    """
    name = uuid.uuid4().hex if id is None else id

    def parse(reply: Reply) -> Added:
        if is_success(reply):
            answer = reply.json()
            rows = answer.get("similar")
            similar = None if rows is None else tuple(made(Similar, each) for each in rows)
            return Added(part(answer, "id"), False, meta(reply), similar)
        return Added(name, True, meta(reply))

    wanted = params(overwrite=overwrite or None, report_similar=report_similar, unique=unique)
    return _adding(photo, name, wanted, metadata, parse, timeout)


def store(
    photo: Photo,
    id: str,  # noqa: A002
    *,
    overwrite: bool,
    unique: bool,
    metadata: Mapping[str, Any] | None,
) -> Request[bool]:
    """Adds an image as `add` does, for whom looks at nothing of the answer but whether the very
    same file was stored before."""

    def is_identical(reply: Reply) -> bool:
        return not is_success(reply)

    wanted = params(overwrite=overwrite or None, unique="same" if unique else None)
    return _adding(photo, id, wanted, metadata, is_identical, None)


def _adding(
    photo: Photo,
    name: str,
    wanted: Mapping[str, str],
    metadata: Mapping[str, Any] | None,
    parse: Callable[[Reply], T],
    timeout: float | None,
) -> Request[T]:
    said = None if metadata is None else compact(dict(metadata))
    query, body = with_image(photo, {**params(id=name, metadata=said), **wanted})
    path = "/similarity/add"
    return Request("POST", path, parse, query, body=body, accepts=_is_stored, timeout=timeout)


def _is_stored(reply: Reply) -> bool:
    """Says whether an image is stored: by this call, or as the same file before."""
    if reply.status != 409:
        return is_success(reply)
    return (reply.object() or {}).get("identical") is True
