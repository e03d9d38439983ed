"""Why two images match: which regions of the one are like the other, and the keywords of both."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from local.stack import Stack, running
from tests.client.command import Command
from tests.support.calls import failure, jpeg
from tests.support.image_files import decoded, encode
from tests.support.versions import put

pytestmark = pytest.mark.long

EXPLAIN = "/similarity/explain"
RESIZE, CROP, SIDE = 40, 32, 8  # of the small network, and of its regions


@pytest.fixture(scope="module")
def photos(collection: dict[str, bytes]) -> dict[str, bytes]:
    return dict(list(collection.items())[:3])


@pytest.fixture(scope="module")
def names(photos: dict[str, bytes]) -> list[str]:
    return list(photos)


@pytest.fixture(scope="module")
def explained(
    tmp_path_factory: pytest.TempPathFactory, photos: dict[str, bytes]
) -> Iterator[Stack]:
    """A stack whose version was exported with --explain."""
    folder = tmp_path_factory.mktemp("explained")
    put("small-explained", 1, folder / "models")
    settings = {"MODEL_REPOSITORY": f"{folder}/models", "HTTP_PROCESSES": "1"}
    settings["TRITON_REPOSITORY_KEY"] = "the-key=of the repository"
    (folder / "data").mkdir()
    with running(folder / "data", **settings) as stack:
        with stack.client() as client:
            assert not client.add_batch(photos).failed
        yield stack


def explain(stack: Stack, query: str, upload: bytes | None = None) -> requests.Response:
    return stack.call(
        "GET" if upload is None else "POST",
        f"{EXPLAIN}?{query}",
        files=None if upload is None else {"data": upload},
    )


def test_the_map_sums_to_the_similarity_of_both(explained: Stack, names: list[str]) -> None:
    answer = explain(explained, f"query={names[0]}&match={names[1]}")
    assert answer.headers["X-Model-Version"] == "1"
    found = answer.json()
    shares = np.array(found["map"])
    assert shares.shape == (SIDE, SIDE)
    assert shares.sum() == pytest.approx(found["similarity"], abs=1e-9)
    compared = explained.post(f"/similarity/compare?id={names[0]}&other_id={names[1]}").json()
    assert found["dist"] == pytest.approx(compared["dist"], abs=1e-6)
    assert found["similarity"] == pytest.approx(1 - found["dist"] / 2, abs=1e-3)  # float16 is kept
    assert found["keywords_shared"] == compared["keywords_shared"]
    assert found["keywords_shared"] != []
    same = explain(explained, f"query={names[1]}&match={names[1]}").json()
    assert (same["similarity"], same["dist"]) == (pytest.approx(1, abs=1e-3), 0)


def test_an_upload_is_explained_as_the_stored_image_is(
    explained: Stack, photos: dict[str, bytes], names: list[str]
) -> None:
    stored = explain(explained, f"query={names[0]}&match={names[1]}").json()
    upload = explain(explained, f"match={names[1]}", photos[names[0]]).json()
    fields = explained.post(EXPLAIN, photos[names[0]], data={"match": names[1]}).json()
    body = explained.call(
        "POST",
        f"{EXPLAIN}?match={names[1]}",
        data=photos[names[0]],
        headers={"Content-Type": "image/jpeg"},
    ).json()
    for each in (upload, fields, body):
        assert np.array(each["map"]) == pytest.approx(np.array(stored["map"]), abs=1e-4)
        assert each["keywords_shared"] == stored["keywords_shared"]


def test_a_part_of_the_query_is_what_counts(explained: Stack, names: list[str]) -> None:
    box = "box=0.25,0.25,0.5,0.5"
    part = explain(explained, f"query={names[0]}&match={names[1]}&{box}").json()
    compared = explained.post(f"/similarity/compare?id={names[0]}&other_id={names[1]}&{box}").json()
    assert part["dist"] == pytest.approx(compared["dist"], abs=1e-6)
    whole = explain(explained, f"query={names[0]}&match={names[1]}").json()
    assert np.abs(np.subtract(part["map"], whole["map"])).max() > 1e-4


def test_the_box_is_the_square_that_the_model_sees(explained: Stack) -> None:
    """A wide image whose left fifth alone changes: that lies outside, and so changes nothing."""
    gradient = np.tile(np.arange(200, dtype=np.uint8), (100, 1))
    changed = gradient.copy()
    changed[:, :40] = 255
    for name, pixels in (("wide-1", gradient), ("wide-2", changed)):
        file = encode(Image.fromarray(pixels).convert("RGB"), "PNG")
        assert explained.post(f"/similarity/add?id={name}", file).ok
    found = [explain(explained, f"query=wide-1&match=wide-{n}").json() for n in (1, 2)]
    side = CROP / RESIZE
    expected = [(1 - side / 2) / 2, (1 - side) / 2, side / 2, side]
    for each in found:
        assert each["box"] == pytest.approx(expected)
    # The JPEG that is kept smears the edge a little into the square.
    assert found[1]["similarity"] == pytest.approx(found[0]["similarity"], abs=1e-2)
    kept = decoded(explained.get("/similarity/images/wide-1/thumbnail").content)
    left, top, width, height = found[0]["box"]
    assert width * kept.width == pytest.approx(height * kept.height)
    assert left + width / 2 == top + height / 2 == pytest.approx(0.5)


def test_what_is_missing_or_unknown_is_named(explained: Stack, names: list[str]) -> None:
    one, other = names[:2]
    for query in (f"query={one}&match=nobody", f"query=nobody&match={one}"):
        assert failure(explain(explained, query)) == (404, "unknown_image_id")
    assert failure(explain(explained, "match=nobody", jpeg())) == (404, "unknown_image_id")
    wrong = (
        *("", f"query={one}", f"match={one}", f"query={one}&match={other}&id={one}"),
        *(f"query={one}&match={other}&keyword_threshold=-1", f"query={one}&match=a/b"),
        *(f"query={one}&match={other}&box=0,0,2,2", f"query={one}&query={one}&match={other}"),
    )
    for query in wrong:
        assert failure(explain(explained, query)) == (400, "wrong_arguments_format"), query
    for query in ("", f"query={one}&match={other}"):
        assert failure(explain(explained, query, jpeg())) == (400, "wrong_arguments_format")
    unreadable = explain(explained, f"match={one}", b"no image")
    assert failure(unreadable) == (400, "image_reading_error")
    assert failure(explained.call("POST", f"{EXPLAIN}?match={one}")) == (
        400,
        "data_payload_required",
    )


def test_a_version_without_regions_says_how_to_get_one(
    tiny_stack: Stack, photos: dict[str, bytes]
) -> None:
    one, other = list(photos)[:2]
    asked = [
        explain(tiny_stack, f"query={one}&match={other}"),
        explain(tiny_stack, f"match={other}", jpeg()),
    ]
    for answer in asked:
        assert failure(answer) == (409, "no_regions")
        assert "version 1 can't say what matches where" in answer.json()["detail"]
        assert "`python -m export --explain`" in answer.json()["detail"]


def test_the_client_and_the_command_explain(
    explained: Stack, photos: dict[str, bytes], names: list[str], tmp_path: Path
) -> None:
    one, other = names[:2]
    with explained.client() as client:
        found = client.explain(one, other)
        sent = client.explain(photos[one], other, keyword_threshold=1.1, box=(0, 0, 1, 1))
    assert found.similarity == pytest.approx(sum(map(sum, found.map)))
    assert found.meta.model_version == 1
    assert found.keywords_shared[0].score > 0
    assert len(found.box) == 4
    assert sent.similarity == pytest.approx(found.similarity, abs=1e-3)
    assert sent.keywords_shared == ()
    command = Command(explained.url, tmp_path)
    [line] = command.json("explain", one, other)
    assert line["map"] == [list(row) for row in found.map]
    by_stdin = command("explain", "--file", "-", other, given=photos[one]).stdout
    shown = command("explain", one, other).stdout
    for text in (shown, by_stdin):
        assert f"similarity\t{found.similarity:.4f}" in text
        shades = [line.partition("\t")[2] for line in text.splitlines()][-SIDE:]
        assert [len(shade) for shade in shades] == [2 * SIDE + 2] * SIDE
        row, column = divmod(int(np.argmax(found.map)), SIDE)
        assert shades[row][1 + 2 * column : 3 + 2 * column] == "@@"


def test_a_triton_that_was_away_explains_again(explained: Stack, names: list[str]) -> None:
    query = f"query={names[0]}&match={names[1]}"
    before = explain(explained, query).json()
    explained.kill_all("triton")
    assert failure(explain(explained, query)) == (503, "model_unavailable")
    explained.start("triton")
    explained.wait_ready()
    assert explain(explained, query).json() == before
