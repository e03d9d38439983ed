"""Two images compared: their distance, and the keywords that both have."""

from pathlib import Path

import pytest
import requests

from local.stack import Stack
from tests.support.calls import failure, jpeg

COMPARE = "/similarity/compare"


@pytest.fixture(scope="module")
def names(collection: dict[str, bytes]) -> list[str]:
    return list(collection)[:2]


def compare(stack: Stack, query: str, **files: bytes) -> requests.Response:
    return stack.call("POST", f"{COMPARE}?{query}", files=files or None)


def test_stored_and_uploaded_ones_compare_alike(
    tiny_stack: Stack, collection: dict[str, bytes], names: list[str]
) -> None:
    one, other = (collection[name] for name in names)
    answers = [
        compare(tiny_stack, f"id={names[0]}&other_id={names[1]}"),
        compare(tiny_stack, f"id={names[0]}", other_data=other),
        compare(tiny_stack, f"other_id={names[1]}", data=one),
        compare(tiny_stack, "", data=one, other_data=other),
    ]
    found = [answer.json() for answer in answers]
    ranked = tiny_stack.get(f"/similarity/search?id={names[0]}&num_results=1000&nprob=100").json()
    expected = dict(zip(ranked["result"], ranked["dist"], strict=True))[names[1]]
    for answer, each in zip(answers, found, strict=True):
        assert answer.headers["X-Model-Version"] == "1"
        assert each["status"] == "ok"
        assert each["dist"] == pytest.approx(expected, abs=1e-4)
        assert each["keywords_shared"] == found[0]["keywords_shared"]


def test_an_image_is_no_way_from_itself(
    tiny_stack: Stack, collection: dict[str, bytes], names: list[str]
) -> None:
    name, file = names[0], collection[names[0]]
    assert compare(tiny_stack, f"id={name}&other_id={name}").json()["dist"] == 0
    assert compare(tiny_stack, f"id={name}", other_data=file).json()["dist"] < 1e-5


def test_the_keywords_shared_are_those_of_both(
    tiny_stack: Stack, collection: dict[str, bytes], names: list[str]
) -> None:
    ask = "/predict/concepts?top_k=1000"
    one, other = (
        {each["name"]: each["score"] for each in answer.json()["concepts"]}
        for answer in (tiny_stack.post(ask, collection[name]) for name in names)
    )
    lesser = {name: min(one[name], other[name]) for name in one}
    least = sorted(lesser.values())[len(lesser) // 2]
    for threshold in (0.0, least, 1.1):
        query = f"id={names[0]}&other_id={names[1]}&keyword_threshold={threshold}"
        shared = compare(tiny_stack, query).json()["keywords_shared"]
        scores = {each["name"]: (each["score"], each["other_score"]) for each in shared}
        likeliest = [min(pair) for pair in scores.values()]
        assert likeliest == sorted(likeliest, reverse=True)
        assert set(scores) == {name for name, score in lesser.items() if score >= threshold}
        for name, pair in scores.items():
            assert pair == pytest.approx((one[name], other[name]), abs=1e-6)


def test_two_images_are_needed_and_no_more(tiny_stack: Stack, names: list[str]) -> None:
    for query, files in {
        "": {},
        f"id={names[0]}": {},
        f"other_id={names[0]}": {},
        f"id={names[1]}&": {"other_data": b""},
    }.items():
        answer = compare(tiny_stack, query, **files)
        assert failure(answer) == (400, "data_payload_required")
        assert "send two images" in answer.json()["detail"]
    for query, files in {
        f"id={names[0]}": {"data": jpeg(), "other_data": jpeg()},
        f"id={names[0]}&other_id={names[1]}": {"other_data": jpeg()},
        f"id={names[0]}&id={names[1]}": {},
        f"id={names[0]}&other_id=a/b": {},
    }.items():
        assert failure(compare(tiny_stack, query, **files)) == (400, "wrong_arguments_format")


def test_what_is_no_image_is_named(tiny_stack: Stack, names: list[str]) -> None:
    unknown = compare(tiny_stack, f"id={names[0]}&other_id=nobody")
    assert failure(unknown) == (404, "unknown_image_id")
    unreadable = compare(tiny_stack, f"id={names[0]}", other_data=b"no image")
    assert failure(unreadable) == (400, "image_reading_error")


def test_a_file_over_the_limit_is_refused_whichever_it_is(
    tiny_stack: Stack, names: list[str], tmp_path: Path
) -> None:
    large = bytes((2 << 20) + 1)
    for files in ({"data": large, "other_data": jpeg()}, {"data": jpeg(), "other_data": large}):
        assert failure(compare(tiny_stack, "", **files)) == (413, "image_too_large")
