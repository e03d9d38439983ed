"""Calls that take a list of ids, and those that wait."""

import hashlib
import threading
import time

import pytest

from local.stack import Stack
from sidecar.http.waits import Waits
from tests.support.calls import failure, jpeg, unused

CHECK, REMOVE = "/similarity/images/check", "/similarity/remove_batch"


def test_what_is_stored_is_the_same_another_or_missing(tiny_stack: Stack) -> None:
    file, name = jpeg((7, 77, 177)), unused()
    tiny_stack.post(f"/similarity/add?id={name}", file)
    sha256 = hashlib.sha256(file).hexdigest()
    asked = [
        {"id": name, "sha256": sha256},
        {"id": name, "sha256": sha256.upper()},
        {"id": name, "sha256": "0" * 64},
        {"id": unused(), "sha256": sha256},
    ]
    answer = tiny_stack.post(CHECK, json=asked).json()
    assert [each["id"] for each in answer["images"]] == [each["id"] for each in asked]
    states = [each["state"] for each in answer["images"]]
    assert states == ["same", "same", "other", "missing"]


def test_ids_are_compared_in_nfc(tiny_stack: Stack) -> None:
    composed, apart = f"\u00e9{unused()}", "e\u0301"
    tiny_stack.post(f"/similarity/add?id={composed}", jpeg())
    same = composed.replace("\u00e9", apart)
    [found] = tiny_stack.post(CHECK, json=[{"id": same, "sha256": ""}]).json()["images"]
    assert found == {"id": same, "state": "other"}
    [removed] = tiny_stack.post(REMOVE, json=[same]).json()["images"]
    assert removed == {"id": same, "state": "removed"}
    assert failure(tiny_stack.get(f"/similarity/images/{composed}")) == (404, "unknown_image_id")


def test_many_are_removed_at_once_and_each_once(tiny_stack: Stack) -> None:
    names = [unused() for _ in range(3)]
    for number, name in enumerate(names[:2]):
        tiny_stack.post(f"/similarity/add?id={name}", jpeg((number, 9, 9)))
    answer = tiny_stack.post(REMOVE, json=[*names, names[0]]).json()
    states = [each["state"] for each in answer["images"]]
    assert states == ["removed", "removed", "missing", "missing"]
    for name in names:
        assert tiny_stack.get(f"/similarity/images/{name}").status_code == 404


def test_an_image_may_be_named_as_a_call_is(tiny_stack: Stack) -> None:
    assert tiny_stack.post("/similarity/add?id=check", jpeg((3, 33, 133))).ok
    assert tiny_stack.get(f"{CHECK}?top_k=1").json()["id"] == "check"
    [found] = tiny_stack.post(CHECK, json=[{"id": "check", "sha256": ""}]).json()["images"]
    assert found["state"] == "other"
    removed = tiny_stack.call("DELETE", CHECK)
    assert removed.json() == {"status": "ok", "id": "check"}


@pytest.mark.parametrize("path", [CHECK, REMOVE])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body must be JSON"),
        (b"{", "the body must be JSON"),
        (b"[" * 100_000, "the body must be JSON"),
        (b"\xff", "the body must be JSON"),
        (b"{}", "the body must be a list"),
        (b"[1]", "entry 0 must be"),
        (b"[null]", "entry 0 must be"),
        (b"[" + b"0," * 1000 + b"0]", "the list has 1,001 entries: send 1,000 at most"),
        (b" " * (1 << 21) + b"[]", "the body is larger than 2 MiB"),
    ],
)
def test_rubbish_is_refused_with_its_place(
    tiny_stack: Stack, path: str, body: bytes, said: str
) -> None:
    answer = tiny_stack.post(path, data=body)
    assert failure(answer) == (400, "wrong_arguments_format")
    assert said in answer.json()["detail"]


def test_a_list_with_one_wrong_entry_changes_nothing(tiny_stack: Stack) -> None:
    name = unused()
    tiny_stack.post(f"/similarity/add?id={name}", jpeg())
    answer = tiny_stack.post(REMOVE, json=[name, "a/b"])
    assert failure(answer) == (400, "wrong_arguments_format")
    assert answer.json()["detail"].startswith("entry 1: an id is ")
    assert tiny_stack.get(f"/similarity/images/{name}").ok


def test_a_status_comes_when_it_changes(tiny_stack: Stack) -> None:
    task_id = tiny_stack.get("/similarity/update").json()["task_id"]
    path = f"/similarity/status/{task_id}"
    status = tiny_stack.get(f"{path}?wait=30").json()
    while status["status"] == "ongoing":
        status = tiny_stack.get(f"{path}?wait=30").json()
    assert status["status"] == "ok"
    assert tiny_stack.get(f"{path}?wait=30").json() == status
    for wrong in ("31", "-1", "x"):
        answer = tiny_stack.get(f"{path}?wait={wrong}")
        assert failure(answer) == (400, "wrong_arguments_format")
    assert failure(tiny_stack.get("/similarity/status/none?wait=30")) == (404, "unknown_task_id")


def test_only_some_wait_and_none_longer_than_the_process() -> None:
    stopping, looks = threading.Event(), iter(range(10**9))
    waits = Waits(4, stopping)  # one of four

    def waiting() -> int:
        return waits.changed(lambda: 7, lambda seen: False, 600.0)

    first = threading.Thread(target=waiting)
    first.start()
    while waits._free._value:
        time.sleep(0.01)
    assert waiting() == 7  # at once
    assert waits.changed(lambda: next(looks), lambda seen: False, 600.0) == 0
    stopping.set()
    first.join(60)
    assert not first.is_alive()
    stopping.clear()
    assert waits.changed(lambda: next(looks), lambda seen: False, 600.0) == 2
    assert waits.changed(lambda: "done", lambda seen: True, 600.0) == "done"
