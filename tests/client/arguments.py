"""Each call of the client with every argument that it takes, so that a new one is not missed."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args

from similarity_client import Example, calls
from similarity_client.request import Request

PHOTO = b"\xff\xd8\xff photo"
VALUES: dict[str, Any] = {
    "photo": PHOTO,
    "photos": {"cat": PHOTO},
    "id": "a cat",
    "ids": ["cat", "dog"],
    "images": {"cat": "5b8f"},
    "like": [Example("cat", 2, (0, 0, 0.5, 1)), "dog"],
    "unlike": [Example("owl", 1, (0, 0, 0.5, 1))],
    "one": "cat",
    "query": "cat",
    "match": "dog",
    "other": "dog",
    "vector": [0.5, 1e-7],
    "model_version": 1,
    "task_id": "8c5a4a6e",
    "version": 2,
    "metadata": {"category": "shoes", "price": 45},
    "changes": {"price": None},
    "filter": {"price": {"$lt": 50}},
    "overwrite": True,
    "report_similar": 5,
    "unique": "same",
    "id_from": "path",
    "num_results": 3,
    "nprob": 5,
    "max_dist": 0.5,
    "offset": 0,
    "group_by": "product",
    "group_size": 2,
    "fields": True,
    "box": (0, 0, 0.5, 1),
    "other_box": (0.25, 0, 0.5, 1),
    "unlike_weight": 0.5,
    "top_k": 4,
    "keyword_threshold": 0.1,
    "keyword": "tabby",
    "min_score": 0.2,
    "order": "newest",
    "kind": "same",
    "probability": True,
    "decisions": {("cat", "dog"): "different"},
    "prefix": "tab",
    "after": 7,
    "limit": 9,
    "wait": 3,
    "timeout": None,
}
OMITTED = object()
SIMILAR = {"order": "similar"}  # of what is found; images have an order of their own
LONG = {"a": "x" * 3000}
# Further ways to make a call, by what is given otherwise.
WAYS: dict[str, list[dict[str, Any]]] = {
    "add": [{}, {"metadata": {"long": "x" * 3000}}],  # for which a query has no room
    "add_batch": [{"metadata": {"cat": {"price": 45}}}],
    "get": [{}, {"id": "check"}],
    "remove": [{}, {"id": "check"}],
    "search": [
        SIMILAR | {"id": OMITTED, "vector": OMITTED, "model_version": OMITTED},
        SIMILAR | {"id": OMITTED, "vector": OMITTED, "model_version": OMITTED, "filter": LONG},
        SIMILAR | {"photo": OMITTED, "vector": OMITTED, "model_version": OMITTED},
        SIMILAR | {"photo": OMITTED, "id": OMITTED},
    ],
    "search_batch": [SIMILAR | {"photos": OMITTED}, SIMILAR | {"ids": OMITTED}],
    "recommend": [
        SIMILAR,
        SIMILAR
        | {
            "like": [Example("cat", 2, (0, 0, 0.5, 1)), PHOTO],
            "unlike": [Example(PHOTO, 1, (0, 0, 0.5, 1))],
        },
    ],
    "explain": [{}, {"query": PHOTO}],
    "compare": [{}, {"one": PHOTO, "other": PHOTO}],
}


def taken(build: Any) -> list[str]:
    """The names of all arguments of a call, those of its options among them."""
    names = []
    for parameter in inspect.signature(build).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            [options] = get_args(parameter.annotation)
            names += list(options.__annotations__)
        else:
            names.append(parameter.name)
    return names


def requests_of(name: str) -> Iterator[Request[Any]]:
    build = getattr(calls, name)
    for way in WAYS.get(name, [{}]):
        given = {each: VALUES[each] for each in taken(build)} | way
        yield build(**{each: value for each, value in given.items() if value is not OMITTED})
