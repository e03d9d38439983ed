"""The calls about duplicates."""

from collections.abc import Mapping
from typing import Any, Literal

from similarity_client.answers import (
    Decided,
    DuplicateGroup,
    DuplicateImage,
    DuplicateLines,
    DuplicatePage,
    TaskState,
)
from similarity_client.answers.meta import made, meta, part
from similarity_client.bodies import of_json
from similarity_client.calls.background import began
from similarity_client.calls.making import params
from similarity_client.request import Reply, Request

PATH = "/similarity/duplicates"

DuplicateClass = Literal["identical", "same", "similar"]
Decision = Literal["same", "different", "keep_both", "undecided"]


def find_duplicates(*, timeout: float | None = None) -> Request[TaskState]:
    """Asks for a search for duplicates among the images of the index."""
    return Request("POST", PATH, began, timeout=timeout)


def duplicates(
    *,
    kind: DuplicateClass | None = None,
    after: str | None = None,
    limit: int | None = None,
    timeout: float | None = None,
) -> Request[DuplicatePage]:
    """Gets one page of groups of duplicates, the most probable first.

    Args:
        kind: uploads of the same bytes, one image saved again (without it), or look-alikes.
        after: the `next` of the page before.
    """
    query = {**({"class": kind} if kind else {}), **params(after=after, limit=limit)}
    return Request("GET", PATH, _page, query, timeout=timeout)


def duplicate_lines(*, timeout: float | None = None) -> Request[DuplicateLines]:
    """Gets all groups of duplicates of all classes."""
    return Request("GET", f"{PATH}.ndjson", _lines, timeout=timeout)


def decide_duplicates(
    decisions: Mapping[tuple[str, str], Decision], *, timeout: float | None = None
) -> Request[Decided]:
    """Keeps what was decided about pairs of images, for good.

    Args:
        decisions: by the ids of two images, 1,000 at most.
    """
    entries = [{"a": a, "b": b, "decision": each} for (a, b), each in decisions.items()]
    body = of_json(entries)
    return Request("POST", f"{PATH}/decisions", _decided, body=body, timeout=timeout)


def _page(reply: Reply) -> DuplicatePage:
    answer = reply.json()
    groups = tuple(map(_group, part(answer, "groups")))
    return made(DuplicatePage, answer, groups=groups, meta=meta(reply))


def _lines(reply: Reply) -> DuplicateLines:
    return DuplicateLines(tuple(map(_group, reply.lines())), meta(reply))


def _decided(reply: Reply) -> Decided:
    return made(Decided, reply.json(), meta=meta(reply))


def _group(row: dict[str, Any]) -> DuplicateGroup:
    images = tuple(made(DuplicateImage, each) for each in part(row, "images"))
    kind, probability, best = (part(row, name) for name in ("class", "probability", "best"))
    return DuplicateGroup(kind, probability, best, images)
