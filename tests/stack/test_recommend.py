"""Recommendations over HTTP: examples as JSON, as fields of a form, and as files."""

import json
from typing import Any

import pytest
import requests

from local.stack import Stack
from tests.support.calls import failure, jpeg

RECOMMEND = "/similarity/recommend"
BOX = "0.25,0.25,0.5,0.25"
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def names(collection: dict[str, bytes]) -> list[str]:
    return list(collection)[:4]


def by_json(stack: Stack, query: str = "", **asked: Any) -> requests.Response:
    return stack.post(f"{RECOMMEND}?{query}", json=asked)


def by_form(stack: Stack, *fields: tuple[str, Any], query: str = "") -> requests.Response:
    """Fields of text or, as bytes, files."""
    parts = [(name, (None if isinstance(each, str) else "a.jpg", each)) for name, each in fields]
    return stack.call("POST", f"{RECOMMEND}?{query}", files=parts)


def same(one: requests.Response, other: requests.Response) -> None:
    assert one.json().keys() == {"dist", "result", "status"}
    assert one.json()["result"] == other.json()["result"]
    assert one.json()["dist"] == pytest.approx(other.json()["dist"], abs=1e-4)


def test_json_query_and_forms_ask_alike(tiny_stack: Stack, names: list[str]) -> None:
    found = by_json(tiny_stack, like=names[:2], unlike=names[2:3], num_results=7)
    assert found.headers["X-Model-Version"] == "1"
    searched = tiny_stack.get("/similarity/search", params={"id": names[0]})
    assert found.headers["X-Generation"] == searched.headers["X-Generation"]
    assert len(found.json()["result"]) == 7
    assert set(found.json()["result"]).isdisjoint(names[:3])
    query = f"like={names[0]}&like={names[1]}&unlike={names[2]}"
    fields = [("like", names[0]), ("like", names[1]), ("unlike", names[2])]
    text = json.dumps({"like": names[:2], "unlike": names[2:3]})
    for answer in (
        by_form(tiny_stack, *fields, ("num_results", "7")),
        tiny_stack.post(f"{RECOMMEND}?{query}&num_results=7"),
        tiny_stack.post(RECOMMEND, data=f"{query}&num_results=7", headers=URLENCODED),
        tiny_stack.post(f"{RECOMMEND}?num_results=7", data=text, headers=URLENCODED),
        by_json(tiny_stack, f"like={names[1]}&num_results=7", like=names[:1], unlike=names[2:3]),
    ):
        same(answer, found)


def test_uploads_are_examples_too(
    tiny_stack: Stack, collection: dict[str, bytes], names: list[str]
) -> None:
    files = [("like", collection[names[0]]), ("unlike", collection[names[1]])]
    uploaded = by_form(tiny_stack, *files, query="num_results=20&nprob=100").json()
    stored = by_json(tiny_stack, like=names[:1], unlike=names[1:2], num_results=18, nprob=100)
    others = [name for name in uploaded["result"] if name not in names[:2]]
    assert names[0] in uploaded["result"]  # nobody said that it is stored
    assert others[:17] == stored.json()["result"][:17]


def test_weights_count(tiny_stack: Stack, names: list[str]) -> None:
    like = [{"id": names[0], "weight": 3}, names[1]]
    weighed = by_json(tiny_stack, like=like, unlike=names[2:3], unlike_weight=0.5)
    fields = [("like", names[0]), ("like", names[1]), ("unlike", names[2])]
    weights = [("like_weights", "3,1"), ("unlike_weights", "9"), ("unlike_weight", "0.5")]
    same(by_form(tiny_stack, *fields, *weights), weighed)
    alike = by_json(tiny_stack, like=names[:2], unlike=names[2:3], unlike_weight=0.5)
    assert alike.json()["dist"] != pytest.approx(weighed.json()["dist"], abs=1e-4)


def test_a_part_of_an_example_counts(
    tiny_stack: Stack, collection: dict[str, bytes], names: list[str]
) -> None:
    box = [float(each) for each in BOX.split(",")]
    of_part = by_json(tiny_stack, like=[{"id": names[0], "box": box}, names[1]])
    fields = [("like", names[0]), ("like", names[1]), ("like_boxes", f"{BOX};")]
    same(by_form(tiny_stack, *fields), of_part)
    searched = tiny_stack.post(f"/similarity/search?box={BOX}", collection[names[0]]).json()
    file = [("like", collection[names[0]]), ("like_boxes", BOX)]
    assert by_form(tiny_stack, *file).json()["dist"] == pytest.approx(searched["dist"], abs=1e-4)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "at least one like"),
        ({"unlike": ["a"]}, "at least one like"),
        ({"like": []}, "at least one like"),
        ({"like": "a"}, "like must be a list"),
        ({"like": [7]}, "like 0 must be an id, or an object"),
        ({"like": ["a", {"weight": 1}]}, "like 1 must be an id, or an object"),
        ({"like": [{"id": "a", "weigth": 1}]}, "like 0 must be an id, or an object"),
        ({"like": ["a"], "unlike": ["a/b"]}, "unlike 0: an id is"),
        ({"like": [{"id": "a", "weight": 0}]}, "like 0: a weight is"),
        ({"like": [{"id": "a", "weight": 1e9}]}, "like 0: a weight is"),
        ({"like": [{"id": "a", "weight": True}]}, "like 0: a weight is"),
        ({"like": [{"id": "a", "box": "0,0,1,1"}]}, "like 0: box must be a list"),
        ({"like": [{"id": "a", "box": [0, 0, 2, 2]}]}, "like 0: box must lie within"),
        ({"like": ["a"] * 101}, "send 100 at most"),
        ({"like": ["a"] * 60, "unlike": ["b"] * 60}, "send 100 examples at most"),
        ({"like": ["a"], "unlike_weight": -1}, "unlike_weight must be at least 0"),
        ({"like": ["a"], "unlike_weight": 1e6}, "unlike_weight must be at most 1000"),
        ({"like": ["a"], "num_results": 0}, "num_results must be"),
        ({"like": ["a"], "num_results": [7]}, "'num_results' must be a number or a text"),
        ({"like": ["a"], "likes": 7}, "did you mean like?"),
        ({"like": ["a"], "like_weights": "1,2"}, "like_weights must have one for each of 1"),
        ({"like": ["a"], "like_weights": "x"}, "like_weights: a weight is"),
        ({"like": ["a"], "like_boxes": "0,0,1"}, "like_boxes must be four numbers"),
    ],
)
def test_what_is_no_example_is_refused_with_its_place(
    tiny_stack: Stack, asked: dict[str, Any], said: str
) -> None:
    answer = by_json(tiny_stack, **asked)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert said in answer.json()["detail"]
    assert answer.json()["dist"] == answer.json()["result"] == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b"\xff", b'{"like":' * 50_000])
def test_a_body_that_is_no_object_is_refused(tiny_stack: Stack, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = tiny_stack.post(RECOMMEND, data=body, headers=headers)
    assert failure(answer) == (400, "wrong_arguments_format")


def test_likes_and_unlikes_that_cancel_out_are_refused(tiny_stack: Stack, names: list[str]) -> None:
    answer = by_json(tiny_stack, like=names[:1], unlike=names[:1], unlike_weight=1)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert "cancel each other out" in answer.json()["detail"]


def test_an_example_that_is_no_image_is_named(tiny_stack: Stack, names: list[str]) -> None:
    unknown = by_json(tiny_stack, like=[names[0], "nobody"])
    assert failure(unknown) == (404, "unknown_image_id")
    unreadable = by_form(tiny_stack, ("like", jpeg()), ("like", b"no image"))
    assert failure(unreadable) == (400, "image_reading_error")
    assert unreadable.json()["detail"].startswith("like, file 1: ")
    large = by_form(tiny_stack, ("like", bytes((2 << 20) + 1)))
    assert failure(large) == (413, "image_too_large")
    many = by_form(tiny_stack, *[("like", bytes(2 << 20))] * 9)
    assert failure(many) == (413, "image_too_large")


def test_what_is_recommended_can_be_ordered_by_what_it_has_in_common(
    tiny_stack: Stack, names: list[str]
) -> None:
    plain = by_json(tiny_stack, like=names[:2], num_results=100).json()
    similar = by_json(tiny_stack, like=names[:2], num_results=100, order="similar").json()
    assert similar["result"][0] == plain["result"][0]
    assert sorted(similar["result"]) == sorted(plain["result"])
    assert len(similar["score"]) == 100
    assert similar["dist"] != sorted(similar["dist"])
    assert by_json(tiny_stack, like=names[:2], order="nearest").status_code == 400
