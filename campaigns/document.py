"""Holds answers against the document of the API: status, type, headers, and body.

`Stack.observers` has `check` in the tests, so every answer that a stack gives to one is held.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sidecar.http import openapi
from sidecar.http.guards.cors import EXPOSED
from sidecar.http.guards.one_path import PASSED_OVER

DOCUMENT = openapi.document()
URI = "urn:api"
REGISTRY: Any = Registry().with_resource(URI, DRAFT202012.create_resource(DOCUMENT)).crawl()
JSON, LINES = "application/json", "application/x-ndjson"
OUTSIDE = ("x-outside",)
MALFORMED = (400, 414, 417, 431, 501)

Place = tuple[str, ...]  # the keys that lead to a part of the document


def _templates() -> Iterator[tuple[re.Pattern[str], str]]:
    """Yields each path as a pattern, those without a parameter first, as Falcon finds them."""
    for path in sorted(DOCUMENT["paths"], key=lambda path: "{" in path):
        yield re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path


TEMPLATES = tuple(_templates())


def check(answer: requests.Response) -> None:
    """Raises AssertionError where an answer is not one that the document has."""
    fault = fault_of(answer)
    assert fault is None, f"{answer.request.method} {answer.request.url}: {fault}"


def fault_of(answer: requests.Response) -> str | None:
    """Returns what is wrong with an answer by the document; None where nothing is."""
    method, path = str(answer.request.method), urlsplit(str(answer.request.url)).path
    if method == "OPTIONS":
        return None
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    place = _place_of(method, unquote(path), answer, kind)
    if place is None:
        return f"status {answer.status_code} is not declared: {answer.text[:300]}"
    return _of_headers(place, answer) or (
        None if method == "HEAD" else _of_body(place, kind, answer)
    )


def _place_of(method: str, path: str, answer: requests.Response, kind: str) -> Place | None:
    """Returns where the document has the answer to a request; None where it has none."""
    status = str(answer.status_code)
    if answer.status_code in MALFORMED and kind == JSON and "malformed_request" in answer.text:
        return (*OUTSIDE, "malformed")
    template = None if PASSED_OVER & set(path.split("/")[1:]) else _template_of(path)
    item = DOCUMENT["paths"].get(template, {})
    name = {"HEAD": "get"}.get(method, method.lower())
    if name not in item:
        return (*OUTSIDE, status) if status in ("503", "405" if item else "404") else None
    place = ("paths", str(template), name, "responses", status)
    return place if status in item[name]["responses"] else None


def _template_of(path: str) -> str | None:
    return next((found for pattern, found in TEMPLATES if pattern.fullmatch(path)), None)


@cache
def _at(place: Place) -> tuple[dict[str, Any], Place]:
    """Returns the part of the document at a place, and the place of what it refers to."""
    part: Any = DOCUMENT
    for key in place:
        part = part[key]
    if set(part) == {"$ref"}:
        return _at(tuple(part["$ref"].removeprefix("#/").split("/")))
    return part, place


def _of_headers(place: Place, answer: requests.Response) -> str | None:
    declared, place = _at(place)
    headers = {name.lower(): _at((*place, "headers", name))[0] for name in declared["headers"]}
    for name, header in headers.items():
        if header.get("required") and name not in answer.headers:
            return f"{answer.status_code} lacks the header {name}"
    for name in EXPOSED:
        if name in answer.headers and name.lower() not in headers:
            return f"{answer.status_code} has a header {name} that is not declared"
    return None


def _of_body(place: Place, kind: str, answer: requests.Response) -> str | None:
    declared, place = _at(place)
    contents = declared.get("content", {})
    if not contents:
        return None if not answer.content else f"{answer.status_code} has a body: {kind}"
    if kind not in contents:
        return f"{answer.status_code} has a type that is not declared: {kind}"
    if kind not in (JSON, LINES):
        return None
    holds = _validator((*place, "content", kind, "schema"))
    bodies = answer.text.splitlines() if kind == LINES else [answer.text]
    for body in bodies:
        value = json.loads(body)
        if not holds.is_valid(value):
            error = best_match(holds.iter_errors(value))
            assert error is not None
            return f"{answer.status_code}, {error.json_path}: {error.message}: {body[:500]}"
    return None


@cache
def _validator(place: Place) -> Any:
    """Returns what checks a body by the schema at a place."""
    pointer = "/".join(key.replace("~", "~0").replace("/", "~1") for key in place)
    return Draft202012Validator({"$ref": f"{URI}#/{pointer}"}, registry=REGISTRY)
