"""What holds answers against the document of the API finds what is wrong with one."""

import json
from typing import Any

import pytest
import requests

from campaigns.document import fault_of

HEAD = {"X-Request-Id": "r", "Server-Timing": "total;dur=1.0", "Content-Type": "application/json"}
VIEW = HEAD | {"X-Model-Version": "1", "X-Generation": "0", "X-Unindexed": "0"}
BARE = {"X-Request-Id": "r", "Content-Type": "application/json"}
LINES = HEAD | {"Content-Type": "application/x-ndjson"}
ADDED = {"status": "ok", "id": "cat"}
FOUND = {"dist": [0.0], "result": ["cat"], "status": "ok"}
LINE = {"status": "ok", "id": "cat", "name": "cat.jpg"}
REFUSED = {"status": "error", "message": "wrong_arguments_format", "detail": "no"}
MALFORMED = {"status": "error", "message": "malformed_request", "detail": "no", "request_id": "r"}
UNKNOWN = {"status": "error", "message": "unknown_path", "detail": "no"}


def answer(
    call: str, status: int, content: Any, headers: dict[str, str] = HEAD
) -> requests.Response:
    made = requests.Response()
    method, path = call.split()
    made.request = requests.Request(method, f"http://127.0.0.1:5000{path}").prepare()
    made.status_code = status
    made.headers.update(headers)
    made._content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return made


@pytest.mark.parametrize(
    ("call", "status", "content", "headers"),
    [
        ("POST /similarity/add?id=cat", 200, ADDED, HEAD),
        ("POST /similarity/add", 400, REFUSED, HEAD),
        ("POST /similarity/add", 414, MALFORMED, BARE),
        ("POST /similarity/search", 200, FOUND, VIEW),
        ("POST /similarity/search", 400, REFUSED | {"dist": [], "result": []}, HEAD),
        ("GET /nowhere", 404, UNKNOWN, HEAD),
        ("GET /similarity/images/..%2fx", 404, UNKNOWN, HEAD),
        ("DELETE /similarity/train", 405, UNKNOWN | {"message": "method_not_allowed"}, HEAD),
        ("HEAD /similarity/images/cat", 200, b"", HEAD),
        ("OPTIONS /similarity/add", 200, b"", {}),
        ("GET /similarity/images/check", 404, UNKNOWN | {"message": "unknown_image_id"}, HEAD),
    ],
)
def test_an_answer_that_the_document_has_is_right(
    call: str, status: int, content: Any, headers: dict[str, str]
) -> None:
    assert fault_of(answer(call, status, content, headers)) is None


def test_lines_are_looked_at_one_by_one() -> None:
    good, bad = json.dumps(LINE), json.dumps(LINE | {"size": 1})
    call = "POST /similarity/add_batch"
    assert fault_of(answer(call, 200, f"{good}\n{good}\n".encode(), LINES)) is None
    fault = fault_of(answer(call, 200, f"{good}\n{bad}\n".encode(), LINES))
    assert fault is not None
    assert bad in fault


@pytest.mark.parametrize(
    ("call", "status", "content", "headers", "words"),
    [
        ("POST /similarity/add", 201, ADDED, HEAD, "201 is not declared"),
        ("POST /similarity/add", 200, ADDED | {"size": 1}, HEAD, "'size' was unexpected"),
        ("POST /similarity/add", 200, {"status": "ok"}, HEAD, "'id' is a required property"),
        ("POST /similarity/add", 200, ADDED, LINES, "a type that is not declared"),
        ("POST /similarity/add", 200, ADDED, VIEW, "X-Generation that is not declared"),
        ("POST /similarity/search", 200, FOUND, HEAD, "lacks the header x-model-version"),
        ("POST /similarity/search", 200, FOUND | {"dist": [-1.0]}, VIEW, "-1.0 is less than"),
        ("POST /similarity/search", 400, REFUSED, HEAD, "'dist' is a required property"),
        ("GET /similarity/stats", 400, REFUSED | {"message": "no_original"}, HEAD, "no_original"),
        ("GET /nowhere", 200, ADDED, HEAD, "200 is not declared"),
        ("POST /similarity/stats", 200, ADDED, HEAD, "200 is not declared"),
        ("HEAD /similarity/images/cat", 418, b"", HEAD, "418 is not declared"),
    ],
)
def test_an_answer_that_it_has_not_is_found(
    call: str, status: int, content: Any, headers: dict[str, str], words: str
) -> None:
    assert words in str(fault_of(answer(call, status, content, headers)))
