"""Made twins are found over the real stack, in groups, and decided upon."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.stack import Stack
from sidecar.images.twins import twin
from sidecar.tasks.twin_check import FEWEST, IMAGES
from tests.conftest import Trained
from tests.support.calls import failure

PATH = "/similarity/duplicates"
MARK = "twin-"


# The collection has 80 crops of each photo, most of which overlap: a hard place to be unlike in.
ORIGINALS = {
    "brightened": "camera-0000",
    "rotated": "coins-0000",
    "cropped": "cell-0000",
    "recompressed": "gravel-0000",
    "mirrored": "motorcycle_left-0000",
    "scaled": "cell-0000",
}
COPIED = "grass-0000"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """One of which nobody else asks for duplicates, nor sees them in its figures."""
    settings = {"EXACT_SEARCH_MAX": "0", "HTTP_PROCESSES": "1"}
    with trained(tmp_path_factory.mktemp("duplicates"), **settings) as stack:
        stack.run("train")
        yield stack


@pytest.fixture(scope="module")
def done(stack: Stack, collection: dict[str, bytes]) -> dict[str, Any]:
    """How a run ended after twins of some images were added."""
    made = {f"{MARK}{kind}": twin(collection[name], kind) for kind, name in ORIGINALS.items()}
    made[f"{MARK}identical"] = collection[COPIED]
    for name, file in made.items():
        assert stack.post(f"/similarity/add?id={name}", file).ok
    stack.run("update")
    return run(stack)


def run(stack: Stack) -> dict[str, Any]:
    answer = stack.post(PATH).json()
    assert (answer["status"], answer["message"]) == ("ongoing", "finding duplicates")
    return stack.finish_well(answer["task_id"])


def groups(stack: Stack, kind: str) -> Iterator[dict[str, Any]]:
    after: str | None = "0"
    while after is not None:
        page = stack.get(PATH, params={"class": kind, "limit": 7, "after": after}).json()
        yield from page["groups"]
        after = page["next"]


def partners(stack: Stack, name: str) -> dict[str, set[str]]:
    """The other images of the groups that an image is in, by class."""
    return {
        kind: {
            image["id"]
            for group in groups(stack, kind)
            if name in [image["id"] for image in group["images"]]
            for image in group["images"]
        }
        - {name}
        for kind in ("identical", "same", "similar")
    }


def test_twins_are_found_and_the_next_run_compares_what_is_new(
    stack: Stack, done: dict[str, Any]
) -> None:
    assert done["kind"] == "duplicates"
    assert done["compared"] >= 1000
    assert done["search_recall"] >= 0.98
    assert COPIED in partners(stack, f"{MARK}identical")["identical"]
    for kind in ("brightened", "rotated", "cropped"):
        assert ORIGINALS[kind] in partners(stack, f"{MARK}{kind}")["same"], kind
    counts = stack.get("/similarity/stats").json()["duplicates"]
    assert counts["same"] == done["same"]
    page = stack.get("/metrics").text
    assert f'similarity_duplicate_pairs{{class="same"}} {done["same"]}' in page
    assert run(stack)["compared"] == 0


def test_lines_are_the_groups_of_all_pages(stack: Stack, done: dict[str, Any]) -> None:
    answer = stack.get(f"{PATH}.ndjson")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    kinds = ("identical", "same", "similar")
    assert lines == [group for kind in kinds for group in groups(stack, kind)]
    for group in lines:
        ids = [image["id"] for image in group["images"]]
        assert group["best"] in ids
        assert all(image["width"] and image["height"] for image in group["images"])


def test_the_scaled_twin_is_not_the_best(stack: Stack, done: dict[str, Any]) -> None:
    [group] = [
        group
        for group in groups(stack, "same")
        if f"{MARK}scaled" in [image["id"] for image in group["images"]]
    ]
    assert group["best"] != f"{MARK}scaled"


def test_decisions_are_kept_and_refused_with_their_place(
    stack: Stack, done: dict[str, Any]
) -> None:
    name, original = f"{MARK}brightened", ORIGINALS["brightened"]

    def decide(*decisions: object) -> Any:
        return stack.post(f"{PATH}/decisions", json=[*decisions])

    pair = {"a": name, "b": original}
    assert decide(pair | {"decision": "different"}).json() == {"status": "ok", "decisions": 1}
    assert original not in partners(stack, name)["same"]
    assert decide(pair | {"decision": "undecided"}).ok
    assert original in partners(stack, name)["same"]
    for entry, said in (
        ("cat", "entry 1 must be an object with a, b and decision"),
        (pair, "entry 1 must be an object"),
        (pair | {"decision": "perhaps"}, "entry 1: decision must be same, different"),
        (pair | {"decision": ["same"]}, "entry 1: decision must be"),
        (pair | {"a": 7, "decision": "same"}, "entry 1: a and b must be ids"),
        (pair | {"a": "a/b", "decision": "same"}, "entry 1: "),
        ({"a": name, "b": name, "decision": "same"}, "entry 1: a and b are one image"),
    ):
        answer = decide(pair | {"decision": "same"}, entry)
        assert failure(answer) == (400, "wrong_arguments_format")
        assert said in answer.json()["detail"]
    answer = decide({"a": "nobody", "b": name, "decision": "same"})
    assert failure(answer) == (404, "unknown_image_id")


@pytest.mark.parametrize(
    "query", ["class=none", "after=x", "after=2:1", "after=nan:1", "after=7", "limit=0", "id=1"]
)
def test_rubbish_is_refused(tiny_stack: Stack, query: str) -> None:
    assert failure(tiny_stack.get(f"{PATH}?{query}")) == (400, "wrong_arguments_format")


def test_a_search_says_how_probable_the_same_image_is(
    stack: Stack, collection: dict[str, bytes]
) -> None:
    path, file = "/similarity/search", twin(collection["camera-0000"], "brightened")
    plain = stack.post(f"{path}?num_results=3", file).json()
    asked = stack.post(f"{path}?num_results=3&probability=1", file).json()
    assert plain.keys() == {"dist", "result", "status"}
    first, *others = asked.pop("probability")
    assert asked == plain
    assert first > 0.9
    assert others == sorted(others, reverse=True)
    one = stack.post(f"{path}?num_results=1&probability=1", file).json()["probability"]
    assert one == pytest.approx([first], abs=1e-3)
    by_id = stack.get(f"{path}?id=camera-0000&num_results=2&probability=1").json()
    assert len(by_id["probability"]) == 2
    assert failure(stack.get(f"{path}?id=camera-0000&probability=2"))[0] == 400


def test_a_search_ends_where_images_are_no_longer_the_same(
    stack: Stack, collection: dict[str, bytes]
) -> None:
    path, file = "/similarity/search", twin(collection["camera-0000"], "brightened")
    asked = stack.post(f"{path}?num_results=100&probability=1", file).json()
    for name, least in (("same", 0.9), ("similar", 0.5)):
        likely = [each for each in asked["probability"] if each >= least]
        found = stack.post(f"{path}?num_results=100&probability=1&max_dist={name}", file).json()
        assert found["probability"] == likely
        assert found["result"] == asked["result"][: len(likely)]
    assert "camera-0000" in asked["result"][:3]  # beside the twins of the tests before
    many = stack.post(
        "/similarity/search_batch?num_results=100&max_dist=same", json=["camera-0000"]
    )
    alone = stack.get(f"{path}?id=camera-0000&num_results=100&max_dist=same").json()
    assert json.loads(many.text)["result"] == alone["result"]
    form = {"like": "camera-0000", "max_dist": "same"}
    assert stack.post("/similarity/recommend", data=form).json()["status"] == "ok"
    assert failure(stack.get(f"{path}?id=camera-0000&max_dist=identical"))[0] == 400


def test_a_training_has_checked_the_probability_by_twins(stack: Stack) -> None:
    """It has four seconds for that and makes do with fewer twins; on a machine so busy that Triton
    answers none in its time, there is no figure, and another training may have one."""
    checked = stack.get("/similarity/stats").json()["same_image"]
    for _ in range(5):
        if checked is None:
            stack.run("train")
            checked = stack.get("/similarity/stats").json()["same_image"]
    assert FEWEST <= checked["twins"] <= IMAGES
    assert 0 < checked["recall"] < 1  # of a tiny model, among cuts that overlap
    assert 0 < checked["ece"] < 1
    page = stack.get("/metrics").text
    assert f"similarity_index_same_image_error_ratio {checked['ece']}" in page
    assert f"similarity_index_same_image_recall_ratio {checked['recall']}" in page
