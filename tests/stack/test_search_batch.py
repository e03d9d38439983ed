"""Searches with many images of one request: by their ids, as files, as an archive."""

import json
from typing import Any

import pytest
import requests

from local.stack import Stack
from tests.support.archives import tar, zipped
from tests.support.calls import failure, jpeg

BATCH, SEARCH = "/similarity/search_batch", "/similarity/search"
COUNT = 150  # of queries: some blocks, the last one not whole
BOX = "box=0.25,0.25,0.5,0.25"


@pytest.fixture(scope="module")
def some(collection: dict[str, bytes]) -> dict[str, bytes]:
    return {name: collection[name] for name in list(collection)[:COUNT]}


def lines(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def check_same(found: dict[str, Any], single: dict[str, Any]) -> None:
    assert found["status"] == "ok"
    assert found["dist"] == pytest.approx(single["dist"], abs=1e-4)
    if (
        min((b - a for a, b in zip(found["dist"], found["dist"][1:], strict=False)), default=1)
        > 1e-4
    ):
        assert found["result"] == single["result"]


def test_by_ids_each_line_is_the_single_search(tiny_stack: Stack, some: dict[str, bytes]) -> None:
    found = lines(tiny_stack.post(f"{BATCH}?num_results=3", json=list(some)))
    assert [each["id"] for each in found] == list(some)
    for each in found[::10]:
        single = tiny_stack.get(f"{SEARCH}?id={each['id']}&num_results=3").json()
        check_same(each, single)
        assert each["result"] == single["result"]


def test_each_line_can_be_in_an_order_of_its_own(tiny_stack: Stack, some: dict[str, bytes]) -> None:
    names = list(some)[:20]
    found = lines(tiny_stack.post(f"{BATCH}?num_results=30&order=similar", json=names))
    for each in found:
        single = tiny_stack.get(f"{SEARCH}?id={each['id']}&num_results=30&order=similar").json()
        assert each["result"][0] == single["result"][0]
        assert each["score"] == pytest.approx(single["score"], abs=1e-3)
    assert any(each["dist"] != sorted(each["dist"]) for each in found)


@pytest.mark.parametrize("kind", ["fields", "tar", "zip"])
def test_by_files_each_line_is_the_single_search(
    tiny_stack: Stack, some: dict[str, bytes], kind: str
) -> None:
    members = {f"{name}.jpg": file for name, file in some.items()}
    if kind == "fields":
        files = [("data", member) for member in members.items()]
        data = {"num_results": "3"}
        answer = tiny_stack.call("POST", BATCH, files=files, data=data)
    else:
        archive = tar(members) if kind == "tar" else zipped(members)
        answer = tiny_stack.call("POST", f"{BATCH}?num_results=3", data=archive)
    found = lines(answer)
    assert [each["name"] for each in found] == list(members)
    for each in found[::25]:
        check_same(each, tiny_stack.post(f"{SEARCH}?num_results=3", members[each["name"]]).json())


def test_a_box_is_of_every_query(tiny_stack: Stack, some: dict[str, bytes]) -> None:
    names = list(some)[:3]
    by_id = lines(tiny_stack.post(f"{BATCH}?{BOX}", json=names))
    files = [("data", (name, some[name])) for name in names]
    by_file = lines(tiny_stack.call("POST", f"{BATCH}?{BOX}", files=files))
    for name, stored, uploaded in zip(names, by_id, by_file, strict=True):
        check_same(stored, tiny_stack.get(f"{SEARCH}?id={name}&{BOX}").json())
        check_same(uploaded, tiny_stack.post(f"{SEARCH}?{BOX}", some[name]).json())


def test_a_bad_query_has_its_line_and_hinders_no_other(
    tiny_stack: Stack, some: dict[str, bytes]
) -> None:
    name, file = next(iter(some.items()))
    found = lines(tiny_stack.post(BATCH, json=[name, "nobody", "a/b", name]))
    assert found[0] == found[3]
    assert [each.get("message") for each in found[1:3]] == [
        "unknown_image_id",
        "wrong_arguments_format",
    ]
    assert found[1]["id"] == "nobody"
    assert found[1]["dist"] == found[1]["result"] == []
    members = {"a.jpg": file, "b.jpg": b"no image", "c.jpg": bytes((2 << 20) + 1), "d.jpg": file}
    found = lines(tiny_stack.post(BATCH, data=tar(members)))
    assert [each["name"] for each in found] == list(members)
    assert [each.get("message") for each in found] == [
        *(None, "image_reading_error", "image_too_large", None),
    ]
    assert found[0]["result"] == found[3]["result"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body must be JSON"),
        (b"no list", "the body must be JSON"),
        (b"{}", "the body must be a list"),
        (b"[7]", "entry 0 must be a text"),
        (json.dumps(["a"] * 1001).encode(), "the list has 1,001 entries: send 1,000 at most"),
        (b" " * (1 << 21) + b"[]", "the body is larger than 2 MiB"),
    ],
)
def test_a_body_that_is_neither_is_refused(tiny_stack: Stack, body: bytes, said: str) -> None:
    answer = tiny_stack.post(BATCH, data=body)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert said in answer.json()["detail"]


def test_an_empty_list_has_no_lines_and_an_empty_form_no_files(tiny_stack: Stack) -> None:
    assert lines(tiny_stack.post(BATCH, json=[])) == []
    form = {"num_results": (None, "3")}
    answer = tiny_stack.call("POST", BATCH, files=form)
    assert failure(answer) == (400, "data_payload_required")


def test_parameters_keep_their_rules(tiny_stack: Stack) -> None:
    for query in ("num_results=0", "nprob=101", "max_dist=-1", "box=1", "id=cat"):
        for sent in ({"json": ["a"]}, {"files": {"data": jpeg()}}):
            answer = tiny_stack.call("POST", f"{BATCH}?{query}", **sent)
            assert failure(answer) == (400, "wrong_arguments_format")


def test_uploads_share_calls_to_triton(tiny_stack: Stack, some: dict[str, bytes]) -> None:
    images, calls = tiny_stack.inferences()
    found = lines(tiny_stack.post(BATCH, data=tar({f"{n}.jpg": f for n, f in some.items()})))
    assert {each["status"] for each in found} == {"ok"}
    more_images, more_calls = tiny_stack.inferences()
    assert more_images - images == len(some)
    assert more_calls - calls < len(some)
