"""Metadata, filters, groups and pages over HTTP, against the real stack."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import Stack
from tests.support.archives import tar
from tests.support.calls import failure

SEARCH = "/similarity/search"
SHOP = uuid.uuid4().hex


def said(number: int) -> dict[str, Any]:
    return {"shop": SHOP, "product": number // 3, "price": number * 10, "tags": [f"t{number % 2}"]}


@pytest.fixture(scope="module")
def photos(tiny_stack: Stack, collection: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    """Nine images of one shop, with metadata, that no update has reached."""
    photos = {f"{SHOP}-{n}": photo for n, photo in enumerate([*collection.values()][:9])}
    for number, (name, photo) in enumerate(photos.items()):
        form = {"id": name, "metadata": json.dumps(said(number))}
        answer = tiny_stack.post("/similarity/add", photo, data=form)
        assert answer.json() == {"status": "ok", "id": name}
    yield photos
    for name in photos:
        tiny_stack.post(f"/similarity/remove?id={name}")


def search(stack: Stack, photo: bytes, **how: Any) -> dict[str, Any]:
    how["filter"] = json.dumps({"shop": SHOP, **how.get("filter", {})})
    answer = stack.post(SEARCH, photo, data={name: f"{value}" for name, value in how.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def numbers(found: dict[str, Any]) -> list[int]:
    return [int(each.rpartition("-")[2]) for each in found["result"]]


def test_a_filtered_search_finds_all_that_meet_it(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    photo = photos[f"{SHOP}-4"]
    found = search(tiny_stack, photo, num_results=100)
    assert found.keys() == {"dist", "result", "status"}
    assert sorted(numbers(found)) == list(range(9))
    assert (numbers(found)[0], found["dist"]) == (4, sorted(found["dist"]))
    cheap = search(tiny_stack, photo, filter={"price": {"$lt": 40}, "tags": "t1"})
    assert sorted(numbers(cheap)) == [1, 3]
    wanted = json.dumps({"shop": SHOP, "$not": {"product": {"$in": [0, 1]}}})
    by_id = tiny_stack.get(SEARCH, params={"id": f"{SHOP}-8", "filter": wanted}).json()
    assert sorted(numbers(by_id)) == [6, 7]


def test_each_match_comes_with_its_metadata_where_the_client_asks_for_them(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    photo = photos[f"{SHOP}-4"]
    found = search(tiny_stack, photo, fields=1)
    assert found.keys() == {"dist", "result", "status", "matches"}
    for row, image_id, dist in zip(found["matches"], found["result"], found["dist"], strict=True):
        assert (row["id"], row["dist"]) == (image_id, dist)
        assert row["metadata"] == said(int(image_id.rpartition("-")[2]))
        path = f"/similarity/images/{image_id}?keyword_threshold=0.05&top_k=20"
        assert row["keywords"] == tiny_stack.get(path).json()["keywords"]
    accept = {"Accept": "application/vnd.similarity+json"}
    wanted = json.dumps({"shop": SHOP})
    answer = tiny_stack.get(
        SEARCH, params={"id": f"{SHOP}-1", "filter": wanted}, headers=accept
    ).json()
    assert len(answer["matches"]) == 8


def test_groups_hold_at_most_so_many_images_each(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    photo = photos[f"{SHOP}-4"]
    ranked = numbers(search(tiny_stack, photo, num_results=9))
    for size in (1, 2, 3):
        found = search(tiny_stack, photo, num_results=3, group_by="product", group_size=size)
        groups: dict[int, list[int]] = {}
        for number in ranked:
            groups.setdefault(number // 3, []).append(number)
        assert numbers(found) == [n for group in groups.values() for n in group[:size]]


def test_pages_follow_each_other(tiny_stack: Stack, photos: dict[str, bytes]) -> None:
    photo = photos[f"{SHOP}-4"]
    whole = numbers(search(tiny_stack, photo, num_results=9, offset=0))
    pages = [search(tiny_stack, photo, num_results=2, offset=start) for start in range(0, 12, 2)]
    assert [number for page in pages for number in numbers(page)] == whole


def test_an_order_of_its_own_has_scores_and_the_same_images(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    photo = photos[f"{SHOP}-4"]
    plain = search(tiny_stack, photo, num_results=9)
    similar = search(tiny_stack, photo, num_results=9, order="similar", fields=1)
    assert plain.keys() == {"dist", "result", "status"}
    assert similar.keys() == {"dist", "result", "status", "score", "matches"}
    assert similar["result"][0] == plain["result"][0]
    assert dict(zip(similar["result"], similar["dist"], strict=True)) == dict(
        zip(plain["result"], plain["dist"], strict=True)
    )
    assert [each["id"] for each in similar["matches"]] == similar["result"]
    assert similar["score"][1:] == sorted(similar["score"][1:], reverse=True)
    grouped = search(tiny_stack, photo, num_results=3, group_by="product", order="distance")
    assert grouped == search(tiny_stack, photo, num_results=3, group_by="product")


def test_metadata_are_changed_and_the_next_search_knows(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    path = f"/similarity/images/{SHOP}-5/metadata"
    photo = photos[f"{SHOP}-4"]
    assert tiny_stack.get(path).json() == {
        "status": "ok",
        "id": f"{SHOP}-5",
        "metadata": said(5),
    }
    changed = tiny_stack.call("PATCH", path, json={"price": 7.5, "tags": None}).json()
    assert changed["metadata"] == {"shop": SHOP, "product": 1, "price": 7.5}
    assert numbers(search(tiny_stack, photo, filter={"price": 7.5})) == [5]
    assert tiny_stack.call("PUT", path, json={"shop": SHOP}).json()["metadata"] == {"shop": SHOP}
    assert 5 not in numbers(search(tiny_stack, photo, filter={"price": {"$exists": True}}))
    assert tiny_stack.call("PUT", path, json=said(5)).status_code == 200


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"filter": "{"}, "filter must be JSON"),
        ({"filter": '{"price": {"$lt": "5"}}'}, "filter.price.$lt must be a number"),
        ({"offset": "999"}, "offset and num_results together must be up to 1,000"),
        ({"offset": "-1"}, "offset must be from 0 to 1000"),
        ({"group_size": "2"}, "group_size goes with group_by"),
        ({"group_by": "a", "offset": "0"}, "send offset or group_by, not both"),
        ({"group_by": "a", "group_size": "101"}, "num_results times group_size"),
        ({"group_by": "a", "order": "similar"}, "send order=similar or group_by, not both"),
        ({"order": "newest"}, "order must be distance or similar, not 'newest'"),
        ({"fields": "yes"}, "fields must be true or false"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    tiny_stack: Stack, photos: dict[str, bytes], how: dict[str, str], word: str
) -> None:
    answer = tiny_stack.post(SEARCH, photos[f"{SHOP}-4"], data=how)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert word in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "body", "word"),
    [
        ("PUT", b"[]", "metadata must be a JSON object"),
        ("PUT", b"", "metadata must be JSON"),
        ("PATCH", b'{"a": [1]}', "metadata.a must be"),
        ("PUT", b'{"a": "' + b"x" * 40_000 + b'"}', "the body is larger than 32 KiB"),
    ],
)
def test_bad_metadata_are_refused_and_nothing_is_changed(
    tiny_stack: Stack, photos: dict[str, bytes], method: str, body: bytes, word: str
) -> None:
    path = f"/similarity/images/{SHOP}-2/metadata"
    answer = tiny_stack.call(method, path, data=body)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert word in answer.json()["detail"]
    assert tiny_stack.get(path).json()["metadata"] == said(2)
    nobody = tiny_stack.call("PUT", "/similarity/images/nobody/metadata", json={})
    assert failure(nobody) == (404, "unknown_image_id")


def test_an_add_with_bad_metadata_stores_nothing(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    name = uuid.uuid4().hex
    form = {"id": name, "metadata": '{"a": {}}'}
    answer = tiny_stack.post("/similarity/add", photos[f"{SHOP}-4"], data=form)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert tiny_stack.get(f"/similarity/images/{name}").status_code == 404


def test_a_batch_brings_the_metadata_of_its_images(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    name = uuid.uuid4().hex
    line = json.dumps({"id": name, "metadata": {"shop": name}}).encode()
    files = {"metadata.jsonl": line, f"{name}.jpg": photos[f"{SHOP}-4"]}
    answer = tiny_stack.call("POST", "/similarity/add_batch", data=tar(files))
    rows = [json.loads(row) for row in answer.text.splitlines()]
    assert [(row["status"], row["name"]) for row in rows] == [("ok", each) for each in files]
    found = tiny_stack.get(
        SEARCH, params={"id": f"{SHOP}-4", "filter": json.dumps({"shop": name})}
    ).json()
    assert found["result"] == [name]
    parts = [("metadata", ("m", line)), ("data", (f"{name}2.jpg", photos[f"{SHOP}-4"]))]
    again = tiny_stack.call("POST", "/similarity/add_batch", files=parts)
    assert [json.loads(row)["status"] for row in again.text.splitlines()] == ["ok", "ok"]
    for image_id in (name, f"{name}2"):
        tiny_stack.post(f"/similarity/remove?id={image_id}")
