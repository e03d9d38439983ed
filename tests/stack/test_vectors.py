"""Features leave the service and come back as the query of a search."""

import json
import math
from typing import Any

import numpy as np
import pytest
import requests

from local.stack import Stack
from tests.support.calls import failure

SEARCH = "/similarity/search"
BY_VERSION_1 = {"X-Model-Version": "1"}


@pytest.fixture(scope="module")
def photo(collection: dict[str, bytes]) -> bytes:
    return next(iter(collection.values()))


@pytest.fixture(scope="module")
def features(tiny_stack: Stack, photo: bytes) -> list[float]:
    answer = tiny_stack.post("/predict/features", photo)
    assert answer.headers["X-Model-Version"] == "1"
    found: list[float] = answer.json()["features"]
    assert answer.headers["X-Dimension"] == f"{len(found)}"
    return found


def by_vector(stack: Stack, vector: Any, headers: dict[str, str]) -> requests.Response:
    text = vector if isinstance(vector, str) else json.dumps(vector)
    return stack.post(SEARCH, data={"vector": text, "num_results": "20"}, headers=headers)


def test_they_are_of_norm_1_and_the_same_as_bytes(
    tiny_stack: Stack, photo: bytes, features: list[float]
) -> None:
    assert math.hypot(*features) == pytest.approx(1, abs=1e-4)
    accept = {"Accept": "application/octet-stream"}
    answer = tiny_stack.post("/predict/features", photo, headers=accept)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert np.frombuffer(answer.content, "<f4").tolist() == pytest.approx(features, abs=1e-6)


def test_a_search_by_them_is_one_by_the_upload(
    tiny_stack: Stack, photo: bytes, features: list[float]
) -> None:
    uploaded = tiny_stack.post(f"{SEARCH}?num_results=20", photo).json()
    doubled = [2 * each for each in features]  # only the direction counts
    forms = {"vector": (None, json.dumps(features)), "num_results": (None, "20")}
    answers = [
        by_vector(tiny_stack, features, BY_VERSION_1),
        by_vector(tiny_stack, doubled, BY_VERSION_1),
        tiny_stack.call("POST", SEARCH, files=forms, headers=BY_VERSION_1),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert answer.json()["dist"] == pytest.approx(uploaded["dist"], abs=1e-4)
        assert answer.json()["result"][0] == uploaded["result"][0]


def test_a_vector_of_another_version_is_refused(tiny_stack: Stack, features: list[float]) -> None:
    answer = by_vector(tiny_stack, features, {"X-Model-Version": "2"})
    assert failure(answer) == (409, "other_model")
    assert answer.json()["dist"] == answer.json()["result"] == []


@pytest.mark.parametrize("version", ["", "x", "-1", "1.0", "9" * 30])
def test_a_vector_needs_the_version_that_made_it(
    tiny_stack: Stack, features: list[float], version: str
) -> None:
    headers = {"X-Model-Version": version} if version else {}
    answer = by_vector(tiny_stack, features, headers)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert "X-Model-Version" in answer.json()["detail"]


@pytest.mark.parametrize(
    "vector",
    [
        *("", "1", "{}", "[", "null", '["1"]', "[true]", "[[1]]", "[1e400]", "[NaN]", "[]"),
        *("[1, 2]", "[" * 9999, "[1" + "0" * 500 + "]"),
    ],
)
def test_what_is_no_vector_is_refused(tiny_stack: Stack, vector: str) -> None:
    answer = by_vector(tiny_stack, vector, BY_VERSION_1)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert "vector must be" in answer.json()["detail"]


def test_zeros_and_a_vector_beside_an_upload_are_refused(
    tiny_stack: Stack, photo: bytes, features: list[float]
) -> None:
    zeros = by_vector(tiny_stack, [0.0] * len(features), BY_VERSION_1)
    assert failure(zeros) == (400, "wrong_arguments_format")
    both = tiny_stack.post(SEARCH, photo, data={"vector": "[1]"}, headers=BY_VERSION_1)
    assert failure(both) == (400, "wrong_arguments_format")
    neither = tiny_stack.post(SEARCH, headers=BY_VERSION_1)
    assert failure(neither) == (400, "data_payload_required")
