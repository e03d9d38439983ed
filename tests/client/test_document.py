"""The client and the document of the API have the same calls, with the same parameters.

Each call is made with every argument that it takes, and what would be sent is held against the
document: path, query, header, fields and files of a form, JSON, and each value.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from similarity_client import Similarity, calls
from similarity_client.request import Body, Request

from campaigns.document import DOCUMENT as CUT
from tests.client.arguments import requests_of
from tests.support.breaking import whole

DOCUMENT: dict[str, Any] = whole(CUT, CUT)
METHODS = ("get", "post", "put", "patch", "delete")
OWN = {"ask", "take", "close", "check_version"}  # of the client, no call by themselves
ON_CALLS = {"wait": "status", "images": "images_page", "upload": "add"}
# Other spellings of a call that the client makes; and the document itself, which generators read.
SPELLINGS = {"train_by_get", "update_by_get", "task_by_short_path", "remove", "openapi"}
LEFT_OUT = {"image_id", "If-None-Match"}  # another spelling of `id`; a thumbnail is not kept


@dataclass
class Sent:
    """What a call sends: the names and values of its parameters, by where they stand."""

    query: dict[str, list[str]]
    form: dict[str, list[str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    whole: Any = None  # the body, in JSON


@dataclass
class Operation:
    """A call of the document."""

    path: str
    method: str
    described: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.described["operationId"])

    @property
    def contents(self) -> dict[str, Any]:
        return dict(self.described.get("requestBody", {}).get("content", {}))

    def parameters(self, where: str) -> dict[str, dict[str, Any]]:
        given = [
            *DOCUMENT["paths"][self.path].get("parameters", []),
            *self.described.get("parameters", []),
        ]
        return {each["name"]: each["schema"] for each in given if each["in"] == where}


OPERATIONS = [
    Operation(path, method, item[method])
    for path, item in DOCUMENT["paths"].items()
    for method in METHODS
    if method in item
]


def operation_of(request: Request[Any]) -> Operation:
    fitting = [
        each
        for each in OPERATIONS
        if each.method == request.method.lower()
        and re.fullmatch(re.sub(r"{\w+}", "[^/]+", each.path), request.path)
    ]
    assert fitting, f"the document has no {request.method} {request.path}"
    return min(fitting, key=lambda each: each.path.count("{"))


def sent(request: Request[Any]) -> Sent:
    found = Sent({name: [value] for name, value in request.params.items()})
    body = request.body
    if body is None:
        return found
    content = content_of(body)
    if body.kind == "application/json":
        found.whole = json.loads(content)
    elif body.kind.startswith("multipart/"):
        boundary = body.kind.partition("boundary=")[2].encode()
        for part in content.split(b"--" + boundary)[1:-1]:
            head, _, value = part.partition(b"\r\n\r\n")
            [name] = re.findall(r' name="([^"]+)"', head.decode())
            if b"filename=" in head:
                found.files.add(name)
            else:
                found.form.setdefault(name, []).append(value.removesuffix(b"\r\n").decode())
    return found


def content_of(body: Body) -> bytes:
    made = body.make()
    return made if isinstance(made, bytes) else b"".join(made)


def assert_holds(schema: dict[str, Any], texts: list[str]) -> None:
    """A parameter's value is one that the document has."""
    if schema.get("type") == "array":
        values: list[Any] = [texts]
    else:
        values = [read(schema, text) for text in texts]
    for value in values:
        Draft202012Validator(schema).validate(value)
        if "contentSchema" in schema:
            Draft202012Validator(schema["contentSchema"]).validate(json.loads(value))


def read(schema: dict[str, Any], text: str) -> Any:
    kinds: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "number": float,
        "boolean": lambda given: given == "true",
    }
    alternatives = schema.get("anyOf", [schema])
    kind = alternatives[0].get("type")
    return kinds[kind](text) if kind in kinds else text


def kind_of(body: Body, contents: dict[str, Any]) -> str:
    kind = body.kind.partition(";")[0]
    return kind if kind in contents else re.sub("/.*", "/*", kind)


@pytest.mark.parametrize("name", calls.__all__)
def test_what_a_call_sends_is_in_the_document(name: str) -> None:
    for request in requests_of(name):
        operation, given = operation_of(request), sent(request)
        known = operation.parameters("query")
        assert set(given.query) <= set(known), operation.name
        for each, texts in given.query.items():
            assert_holds(known[each], texts)
        headers = {each for each in request.headers if each.startswith("X-")}
        assert headers <= set(operation.parameters("header")), operation.name
        if request.body is None:
            continue
        kind = kind_of(request.body, operation.contents)
        assert kind in operation.contents, operation.name
        schema = operation.contents[kind].get("schema", {})
        if given.whole is not None:
            Draft202012Validator(schema).validate(given.whole)
        assert {*given.form, *given.files} <= set(schema.get("properties", {})), operation.name
        for each, texts in given.form.items():
            assert_holds(schema["properties"][each], texts)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_call_and_parameter_of_the_document_is_one_of_the_client(
    operation: Operation,
) -> None:
    made = [
        request
        for name in calls.__all__
        for request in requests_of(name)
        if operation_of(request).name == operation.name
    ]
    assert bool(made) == (operation.name not in SPELLINGS)
    given = set()
    for request in made:
        parts = sent(request)
        keys = parts.whole if isinstance(parts.whole, dict) else ()
        given |= {*parts.query, *parts.form, *parts.files, *keys, *request.headers}
    named = set(operation.parameters("query")) | set(operation.parameters("header"))
    assert not made or named - LEFT_OUT <= given


def test_every_method_of_the_client_is_a_call() -> None:
    public = {name for name in dir(Similarity) if not name.startswith("_")}
    assert public - OWN - set(ON_CALLS) | {"images_page"} == set(calls.__all__)
    assert set(ON_CALLS.values()) <= set(calls.__all__)
