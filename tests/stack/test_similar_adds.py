"""Adds that answer what is near, and adds of what is stored already, over the real stack."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.stack import Stack
from sidecar.images.twins import twin
from tests.conftest import Trained
from tests.support.calls import failure, noise, unused

ADD, SEARCH = "/similarity/add", "/similarity/search"
ORIGINAL = "camera-0000"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """One of two processes, which nobody else adds to."""
    with trained(tmp_path_factory.mktemp("similar"), HTTP_PROCESSES="2") as stack:
        yield stack


def add(stack: Stack, photo: bytes, **query: Any) -> Any:
    return stack.post(ADD, photo, params={"id": unused(), **query})


def count(stack: Stack) -> int:
    found: int = stack.get("/similarity/stats").json()["images"]
    return found


def test_an_add_answers_what_is_near(stack: Stack, collection: dict[str, bytes]) -> None:
    photo = twin(collection[ORIGINAL], "brightened")
    query = f"{SEARCH}?num_results=3&probability=1&nprob=100"
    near = stack.post(query, photo).json()
    answer = add(stack, photo, report_similar=3).json()
    assert answer.keys() == {"status", "id", "similar"}
    rows = [tuple(each.values()) for each in answer["similar"]]
    assert [row[0] for row in rows] == near["result"]
    assert [row[1] for row in rows] == pytest.approx(near["dist"], abs=1e-4)
    assert [row[2] for row in rows] == pytest.approx(near["probability"], abs=1e-2)
    again = add(stack, photo, report_similar=1).json()
    assert [each["id"] for each in again["similar"]] == [answer["id"]]
    over = stack.post(ADD, photo, params={"id": again["id"], "overwrite": 1, "report_similar": 1})
    assert [each["id"] for each in over.json()["similar"]] == [answer["id"]]
    for name in (answer["id"], again["id"]):
        stack.post(f"/similarity/remove?id={name}")


def test_what_is_stored_already_is_refused(stack: Stack, collection: dict[str, bytes]) -> None:
    before, photo = count(stack), collection[ORIGINAL]
    for again in (photo, twin(photo, "recompressed")):
        answer = add(stack, again, unique="same")
        assert failure(answer) == (409, "similar_image")
        found = answer.json()["similar_to"]
        assert found["id"] == ORIGINAL
        assert found["probability"] > 0.9
        assert ORIGINAL in answer.json()["detail"]
    assert count(stack) == before
    fine = stack.post(ADD, photo, params={"id": ORIGINAL, "overwrite": 1, "unique": "same"})
    assert fine.json() == {"status": "ok", "id": ORIGINAL}
    retried = stack.post(ADD, photo, params={"id": ORIGINAL, "unique": "same"})
    assert failure(retried) == (409, "duplicate_image_id")
    new = add(stack, noise(7), unique="same", report_similar=1)
    assert new.json()["status"] == "ok"
    stack.post(f"/similarity/remove?id={new.json()['id']}")
    assert count(stack) == before


def test_of_equal_adds_at_the_same_instant_one_is_stored(stack: Stack) -> None:
    """Each looks before any of them is stored, most of them at least, in two processes."""
    for number in range(3):
        photo = noise(100 + number)
        with ThreadPoolExecutor(12) as pool:
            answers = [
                *pool.map(lambda _, photo=photo: add(stack, photo, unique="same"), range(12))
            ]
        stored = [each.json()["id"] for each in answers if each.status_code == 200]
        assert len(stored) == 1
        refused = [each for each in answers if each.status_code != 200]
        assert {failure(each) for each in refused} == {(409, "similar_image")}
        assert {each.json()["similar_to"]["id"] for each in refused} == set(stored)
        stack.post(f"/similarity/remove?id={stored[0]}")


def test_parameters_keep_their_rules(stack: Stack) -> None:
    before = count(stack)
    for query in (
        "report_similar=0",
        "report_similar=101",
        "unique=similar",
        "unique=",
        "unique=1",
    ):
        answer = stack.post(f"{ADD}?{query}", noise(9))
        assert failure(answer) == (400, "wrong_arguments_format")
    batch = stack.post("/similarity/add_batch?unique=same", noise(9))
    assert failure(batch) == (400, "wrong_arguments_format")
    assert count(stack) == before


@pytest.mark.long
def test_an_empty_catalogue_has_nothing_similar(
    tmp_path_factory: pytest.TempPathFactory, tiny: Any
) -> None:
    from local.stack import running

    folder = tmp_path_factory.mktemp("empty")
    with running(folder, MODEL_REPOSITORY=str(tiny), HTTP_PROCESSES="1") as stack:
        first = add(stack, noise(1), unique="same", report_similar=5)
        assert first.json()["similar"] == []
        again = add(stack, noise(1), unique="same")
        assert failure(again) == (409, "similar_image")
        found = again.json()["similar_to"]
        assert (found["id"], found["probability"]) == (first.json()["id"], None)
        assert json.loads(again.text)["similar_to"]["dist"] < 1e-5
