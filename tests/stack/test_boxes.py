"""A part of an image, in every call that takes one."""

import pytest
from PIL import Image

from local.stack import Stack
from tests.support.calls import failure, jpeg
from tests.support.image_files import decoded, encode

SEARCH, FEATURES, COMPARE = "/similarity/search", "/predict/features", "/similarity/compare"
BOX = "box=0.25,0.25,0.5,0.25"
TURNED = 6
EXIF_ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def name(collection: dict[str, bytes]) -> str:
    return next(iter(collection))


@pytest.fixture(scope="module")
def cut(tiny_stack: Stack, name: str) -> bytes:
    """The pixels of that box, as the image is kept, in a lossless file."""
    kept = decoded(tiny_stack.get(f"/similarity/images/{name}/thumbnail").content)
    width, height = kept.size
    left, right, top, bottom = map(round, (width / 4, 3 * width / 4, height / 4, height / 2))
    return encode(kept.crop((left, top, right, bottom)), "PNG")


def features(stack: Stack, query: str, file: bytes) -> list[float]:
    found: list[float] = stack.post(f"{FEATURES}?{query}", file).json()["features"]
    return found


def test_its_features_are_those_of_an_upload_of_that_part(
    tiny_stack: Stack, collection: dict[str, bytes], name: str, cut: bytes
) -> None:
    of_box = features(tiny_stack, BOX, collection[name])
    assert of_box == pytest.approx(features(tiny_stack, "", cut), abs=1e-5)
    assert of_box != pytest.approx(features(tiny_stack, "", collection[name]), abs=1e-3)
    answer = tiny_stack.post(FEATURES, collection[name], data={"box": BOX.partition("=")[2]})
    assert answer.json()["features"] == pytest.approx(of_box, abs=1e-5)


def test_it_is_of_the_image_as_it_stands_upright(
    tiny_stack: Stack, collection: dict[str, bytes], name: str, cut: bytes
) -> None:
    upright = decoded(tiny_stack.get(f"/similarity/images/{name}/thumbnail").content)
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED
    lying = encode(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    standing = encode(upright, "PNG")
    expected = features(tiny_stack, BOX, standing)
    assert features(tiny_stack, BOX, lying) == pytest.approx(expected, abs=1e-5)


def test_searches_by_upload_and_by_id_look_for_that_part(
    tiny_stack: Stack, collection: dict[str, bytes], name: str, cut: bytes
) -> None:
    expected = tiny_stack.post(f"{SEARCH}?num_results=20", cut).json()
    uploaded = tiny_stack.post(f"{SEARCH}?num_results=20&{BOX}", collection[name]).json()
    assert uploaded["dist"] == pytest.approx(expected["dist"], abs=1e-4)
    stored = tiny_stack.get(f"{SEARCH}?id={name}&num_results=20&{BOX}").json()
    assert name not in stored["result"]
    others = [
        dist
        for dist, each in zip(expected["dist"], expected["result"], strict=True)
        if each != name
    ]
    assert stored["dist"][: len(others)] == pytest.approx(others, abs=1e-4)


def test_keywords_and_comparisons_are_of_that_part(
    tiny_stack: Stack, collection: dict[str, bytes], name: str, cut: bytes
) -> None:
    ask = "/predict/concepts?top_k=3"
    expected, found = tiny_stack.post(ask, cut), tiny_stack.post(f"{ask}&{BOX}", collection[name])
    assert [each["name"] for each in found.json()["concepts"]] == [
        each["name"] for each in expected.json()["concepts"]
    ]
    of_both = f"{BOX}&other_{BOX}"
    for query, files in {
        f"id={name}&{BOX}": {"other_data": cut},
        f"other_id={name}&other_{BOX}": {"data": cut},
        f"id={name}&{of_both}": {"other_data": collection[name]},
    }.items():
        answer = tiny_stack.call("POST", f"{COMPARE}?{query}", files=files)
        assert answer.json()["dist"] < 1e-6
    whole = tiny_stack.post(f"{COMPARE}?id={name}&other_id={name}&{BOX}").json()
    assert whole["dist"] > 1e-4


@pytest.mark.parametrize("path", [SEARCH, FEATURES, "/predict/concepts", COMPARE])
def test_a_box_outside_the_image_is_refused(tiny_stack: Stack, path: str) -> None:
    answer = tiny_stack.post(f"{path}?box=0.5,0,0.6,1", jpeg())
    assert failure(answer) == (400, "wrong_arguments_format")
    assert answer.json()["detail"].startswith("box must lie within the image")


@pytest.mark.parametrize("path", ["/similarity/add", "/similarity/add_batch", "/similarity/train"])
def test_no_other_call_takes_one(tiny_stack: Stack, path: str) -> None:
    answer = tiny_stack.post(f"{path}?{BOX}", jpeg())
    assert failure(answer) == (400, "wrong_arguments_format")
    assert answer.json()["detail"].startswith("this call takes no box")


def test_a_vector_has_no_parts(tiny_stack: Stack) -> None:
    answer = tiny_stack.post(
        f"{SEARCH}?{BOX}", data={"vector": "[1]"}, headers={"X-Model-Version": "1"}
    )
    assert failure(answer) == (400, "wrong_arguments_format")
