"""A release answers what the one before answered."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from docs.openapi import kept
from sidecar.http import openapi
from tests.support.breaking import breaks, whole

RELEASED = json.loads(kept().read_text())
WHOLE: dict[str, Any] = whole(RELEASED, RELEASED)
LISTING = ("paths", "/similarity/images", "get")
ADDED = ("paths", "/similarity/add", "post")
ANSWER = ("responses", "200", "content", "application/json", "schema")


def test_nothing_breaks_a_client_of_the_last_release() -> None:
    assert breaks(RELEASED, openapi.document()) == []


def test_what_was_released_is_valid_and_breaks_nothing_of_itself() -> None:
    assert list(OpenAPIV31SpecValidator(RELEASED).iter_errors()) == []
    assert breaks(RELEASED, WHOLE) == []


def at(document: Any, *place: Any) -> Any:
    for key in place:
        document = document[key]
    return document


def parameter(document: Any, name: str) -> Any:
    return next(each for each in at(document, *LISTING)["parameters"] if each["name"] == name)


CHANGES: dict[str, Callable[[Any], object]] = {
    "GET /similarity/images is gone": lambda new: new["paths"].pop("/similarity/images"),
    "DELETE /similarity/images/{image_id} is gone": (
        lambda new: new["paths"]["/similarity/images/{image_id}"].pop("delete")
    ),
    "GET /similarity/images: its x-scope is write, and was read": (
        lambda new: at(new, *LISTING).update({"x-scope": "write"})
    ),
    "GET /similarity/images: its operationId is ids, and was images": (
        lambda new: at(new, *LISTING).update(operationId="ids")
    ),
    "GET /similarity/images: limit is no more taken": (
        lambda new: at(new, *LISTING)["parameters"].remove(parameter(new, "limit"))
    ),
    "GET /similarity/images: limit: its maximum is 50, and was 10000": (
        lambda new: parameter(new, "limit")["schema"].update(maximum=50)
    ),
    "GET /similarity/images: limit: its default is 50, and was 1000": (
        lambda new: parameter(new, "limit")["schema"].update(default=50)
    ),
    "GET /similarity/images: limit takes other types": (
        lambda new: parameter(new, "limit")["schema"].update(type="string")
    ),
    "GET /similarity/images: keyword must be sent": (
        lambda new: parameter(new, "keyword").update(required=True)
    ),
    "GET /similarity/images: shop must be sent": (
        lambda new: at(new, *LISTING)["parameters"].append(
            {"in": "query", "name": "shop", "required": True, "schema": {"type": "string"}}
        )
    ),
    "GET /similarity/images: 200(0).ids is gone": (
        lambda new: at(new, *LISTING, *ANSWER, "oneOf", 0, "properties").pop("ids")
    ),
    "GET /similarity/images: 200 has 1 kinds, and had 2": (
        lambda new: at(new, *LISTING, *ANSWER, "oneOf").pop()
    ),
    "POST /similarity/add: 200.id may lack": (
        lambda new: at(new, *ADDED, *ANSWER, "required").remove("id")
    ),
    "POST /similarity/add: 200.id has other types": (
        lambda new: at(new, *ADDED, *ANSWER, "properties", "id").update(type=["string", "null"])
    ),
    "POST /similarity/add: 200 lacks the header X-Request-Id": (
        lambda new: at(new, *ADDED, "responses", "200", "headers").pop("X-Request-Id")
    ),
    "POST /similarity/add: 200 is gone": lambda new: at(new, *ADDED, "responses").pop("200"),
    "POST /similarity/add: 409(0).message is no more duplicate_image_id": (
        lambda new: at(
            new, *ADDED, "responses", "409", *ANSWER[2:], "oneOf", 0, "properties", "message"
        ).update(const="id_in_use")
    ),
    "POST /similarity/add: image/* is no more taken": (
        lambda new: at(new, *ADDED, "requestBody", "content").pop("image/*")
    ),
    "POST /similarity/add: multipart/form-data.id must be sent": (
        lambda new: at(new, *ADDED, "requestBody", "content", "multipart/form-data", "schema")[
            "required"
        ].append("id")
    ),
}


@pytest.mark.parametrize("sentence", CHANGES)
def test_a_change_that_breaks_a_client_is_found(sentence: str) -> None:
    new = copy.deepcopy(WHOLE)
    CHANGES[sentence](new)
    assert sentence in breaks(RELEASED, new)


def test_what_is_added_breaks_nothing() -> None:
    new = copy.deepcopy(WHOLE)
    new["paths"]["/similarity/new"] = new["paths"]["/similarity/images"]
    at(new, *LISTING)["parameters"].append(
        {"in": "query", "name": "shop", "schema": {"type": "string"}}
    )
    parameter(new, "limit")["schema"]["maximum"] = 20_000
    added = at(new, *ADDED, *ANSWER)
    added["properties"]["size"] = {"type": "integer"}
    added["required"].append("size")
    at(new, *ADDED, "responses")["418"] = at(new, *ADDED, "responses")["409"]
    assert breaks(RELEASED, new) == []
