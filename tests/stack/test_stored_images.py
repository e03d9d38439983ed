"""The calls that manage what is stored: overwrite, remove, look at, list, count, search by id."""

import hashlib
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from local.stack import Stack
from sidecar.catalogue import open_catalogue
from tests.conftest import Trained
from tests.support.calls import failure, unused
from tests.support.image_files import encode


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """A trained stack of this module's own, which keeps originals and has three processes."""
    folder = tmp_path_factory.mktemp("stored")
    with trained(folder, KEEP_ORIGINALS="1", HTTP_PROCESSES="3") as stack:
        yield stack


def picture(seed: int) -> bytes:
    """A PNG like no other."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 6, 3), np.uint8)
    return encode(Image.fromarray(noise).resize((200, 150), Image.Resampling.BICUBIC), "PNG")


def found(stack: Stack, file: bytes, **parameters: Any) -> list[str]:
    answer = stack.post("/similarity/search", file, params=parameters).json()
    result: list[str] = answer["result"]
    return result


def everywhere(stack: Stack, file: bytes) -> list[list[str]]:
    """What many searches at once find, which reach every process."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda _: found(stack, file), range(48)))


# -- overwriting and removing


def test_an_overwritten_image_is_found_by_what_it_is_now(house: Stack) -> None:
    name = unused()
    house.post(f"/similarity/add?id={name}", picture(1))
    house.run("update")
    assert found(house, picture(1))[0] == name
    again = house.post(f"/similarity/add?id={name}&overwrite=true", picture(2))
    assert (again.status_code, again.json()) == (200, {"status": "ok", "id": name})
    assert all(name not in result for result in everywhere(house, picture(1)))
    house.run("update")
    assert found(house, picture(2))[0] == name
    assert house.get(f"/similarity/images/{name}/original").content == picture(2)


def test_overwrite_is_true_or_false(house: Stack) -> None:
    wrong = house.post("/similarity/add?overwrite=maybe", picture(3))
    assert failure(wrong) == (400, "wrong_arguments_format")
    name = unused()
    house.post(f"/similarity/add?id={name}", picture(3))
    again = house.post(f"/similarity/add?id={name}&overwrite=false", picture(4))
    assert failure(again) == (409, "duplicate_image_id")


def test_a_removed_image_is_gone_in_every_process_before_any_update(house: Stack) -> None:
    name = unused()
    house.post(f"/similarity/add?id={name}", picture(5))
    house.run("update")
    assert all(result[0] == name for result in everywhere(house, picture(5)))
    removed = house.call("DELETE", f"/similarity/images/{name}")
    assert (removed.status_code, removed.json()) == (200, {"status": "ok", "id": name})
    for result in everywhere(house, picture(5)):
        assert name not in result
        assert len(result) == 10
    for path in (f"/similarity/images/{name}", f"/similarity/images/{name}/thumbnail"):
        assert failure(house.get(path)) == (404, "unknown_image_id")
    again = house.post(f"/similarity/add?id={name}", picture(6))
    assert again.status_code == 200


def test_remove_is_delete_for_clients_that_know_none(house: Stack) -> None:
    name = unused()
    house.post(f"/similarity/add?id={name}", picture(7))
    assert house.post(f"/similarity/remove?id={name}").json() == {"status": "ok", "id": name}
    assert failure(house.post(f"/similarity/remove?id={name}")) == (404, "unknown_image_id")
    assert failure(house.post("/similarity/remove")) == (400, "wrong_arguments_format")
    assert failure(house.post("/similarity/remove?id=a/b")) == (400, "wrong_arguments_format")


def test_of_fifty_removals_at_once_one_removes(house: Stack) -> None:
    name = unused()
    house.post(f"/similarity/add?id={name}", picture(8))
    with ThreadPoolExecutor(50) as pool:
        answers = pool.map(lambda _: house.post(f"/similarity/remove?id={name}"), range(50))
    assert sorted(answer.status_code for answer in answers) == [200] + 49 * [404]


@pytest.mark.long
def test_removed_images_leave_the_index_at_the_next_update(house: Stack) -> None:
    names = [unused() for _ in range(3)]
    for number, name in enumerate(names):
        house.post(f"/similarity/add?id={name}", picture(20 + number))
    before = house.run("update")
    for name in names:
        house.post(f"/similarity/remove?id={name}")
    assert house.get("/similarity/stats").json()["deleted"] == 3
    after = house.run("update")
    assert after["images"] == before["images"] - 3
    assert house.get("/similarity/stats").json()["deleted"] == 0


# -- looking


def test_an_image_is_described(house: Stack) -> None:
    name, file = unused(), picture(9)
    house.post(f"/similarity/add?id={name}", file)
    answer = house.get(f"/similarity/images/{name}").json()
    concepts = house.post("/predict/concepts", file).json()["concepts"]
    assert {key: answer[key] for key in ("status", "id", "versions", "indexed", "sha256")} == {
        "status": "ok",
        "id": name,
        "versions": [1],
        "indexed": False,
        "sha256": hashlib.sha256(file).hexdigest(),
    }
    assert [k["name"] for k in answer["keywords"]] == [k["name"] for k in concepts]
    assert len(house.get(f"/similarity/images/{name}?top_k=3").json()["keywords"]) == 3
    house.run("update")
    assert house.get(f"/similarity/images/{name}").json()["indexed"] is True


def test_an_unknown_image_is_unknown_to_every_call(house: Stack) -> None:
    for path in ("", "/thumbnail", "/original"):
        answer = house.get(f"/similarity/images/nobody{path}")
        assert failure(answer) == (404, "unknown_image_id")
    gone = house.call("DELETE", "/similarity/images/nobody")
    assert failure(gone) == (404, "unknown_image_id")
    assert failure(house.get("/similarity/images/a%3Fb")) == (400, "wrong_arguments_format")
    assert failure(house.get("/similarity/images/a%00b")) == (400, "wrong_arguments_format")


def test_a_thumbnail_is_the_kept_jpeg_and_can_be_cached(house: Stack) -> None:
    name = unused()
    house.post("/similarity/add", picture(10), params={"id": f"ä:{name}"})
    path = f"/similarity/images/ä:{name}/thumbnail"
    first = house.get(path)
    assert first.headers["Content-Type"] == "image/jpeg"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert Image.open(io.BytesIO(first.content)).size == (200, 150)
    etag = first.headers["ETag"]
    same = house.get(path, headers={"If-None-Match": etag})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == etag
    house.post("/similarity/add", picture(11), params={"id": f"ä:{name}", "overwrite": "true"})
    other = house.get(path, headers={"If-None-Match": etag})
    assert (other.status_code, other.headers["ETag"] != etag) == (200, True)


def test_originals_are_kept_byte_for_byte(house: Stack, tiny_stack: Stack) -> None:
    name, small = unused(), unused()
    house.post(f"/similarity/add?id={name}", picture(12))
    kept = house.get(f"/similarity/images/{name}/original")
    assert kept.content == picture(12)
    assert "attachment" in kept.headers["Content-Disposition"]
    jpeg = house.get(f"/similarity/images/{name}/thumbnail").content
    house.post(f"/similarity/add?id={small}", jpeg)  # kept as it is
    assert house.get(f"/similarity/images/{small}/original").content == jpeg
    tiny_stack.post(f"/similarity/add?id={name}", picture(12))  # another stack, which keeps none
    assert failure(tiny_stack.get(f"/similarity/images/{name}/original")) == (404, "no_original")


def test_pages_of_ids_are_stable_while_others_add(house: Stack) -> None:
    known = {name for name, _ in walk(house)}
    stop = threading.Event()

    def add() -> None:
        while not stop.is_set():
            house.post(f"/similarity/add?id={unused()}", picture(13))

    adding = threading.Thread(target=add)
    adding.start()
    seen = [name for name, _ in walk(house, limit=97, most=len(known))]
    stop.set()
    adding.join()
    assert len(seen) == len(set(seen))
    assert set(seen[: len(known)]) == known
    for query in ("limit=0", "limit=10001", "after=-1", "after=x"):
        refused = house.get(f"/similarity/images?{query}")
        assert failure(refused) == (400, "wrong_arguments_format")


def test_the_newest_image_comes_first_where_that_is_asked_for(house: Stack) -> None:
    names = [unused() for _ in range(3)]
    for name in names:
        house.post(f"/similarity/add?id={name}", picture(13))
    oldest_first = [name for name, _ in walk(house)]
    page = house.get("/similarity/images?order=newest&limit=2").json()
    assert page["ids"] == names[:0:-1]
    path = f"/similarity/images?order=newest&limit=10000&after={page['next']}"
    rest = house.get(path).json()
    assert rest == {"status": "ok", "ids": oldest_first[-3::-1], "next": None}
    for query in ("order=upwards", "order=newest&keyword=tabby", "order=newest&after=-1"):
        refused = house.get(f"/similarity/images?{query}")
        assert failure(refused) == (400, "wrong_arguments_format")


def walk(stack: Stack, limit: int = 1000, most: int = 10**9) -> Iterator[tuple[str, int]]:
    after, count = 0, 0
    while after is not None and count < most:
        page = stack.get(f"/similarity/images?limit={limit}&after={after}").json()
        assert page["status"] == "ok"
        assert len(page["ids"]) <= limit
        for name in page["ids"]:
            count += 1
            yield name, count
        after = page["next"]


def test_stats_count_what_there_is(house: Stack) -> None:
    house.run("update")
    before = house.get("/similarity/stats").json()
    assert before["status"] == "ok"
    assert before["images"] == before["indexed"] == len(list(walk(house)))
    assert (before["waiting"], before["deleted"], before["model_version"]) == (0, 0, 1)
    assert before["last_task"]["kind"] == "update"
    assert before["generation"] == before["last_task"]["generation"]
    names = [unused(), unused()]
    for name in names:
        house.post(f"/similarity/add?id={name}", picture(14))
    after = house.get("/similarity/stats").json()
    assert (after["images"], after["waiting"]) == (before["images"] + 2, 2)
    on_disk = sum(
        p.stat().st_size for p in house.folder.glob("catalogue.sqlite*") if "reserve" not in p.name
    )
    assert abs(after["catalogue_bytes"] - on_disk) < 2**20
    assert after["index_bytes"] >= after["indexed"] * 512 * 2


# -- searching by id


def test_a_search_by_id_finds_what_a_search_by_image_finds_but_itself(
    house: Stack, collection: dict[str, bytes]
) -> None:
    for name in list(collection)[::300]:
        by_id = house.get(f"/similarity/search?id={name}&num_results=9&nprob=100")
        by_image = house.post("/similarity/search?nprob=100", collection[name])
        assert set(by_id.json()) == {"dist", "result", "status"}
        expected = by_image.json()
        place = expected["result"].index(name)
        del expected["result"][place], expected["dist"][place]
        assert by_id.json()["result"] == expected["result"]
        assert np.allclose(by_id.json()["dist"], expected["dist"], atol=2e-3)
        assert by_id.headers["X-Model-Version"] == "1"


def test_a_search_by_id_takes_the_parameters_of_a_search(
    house: Stack, collection: dict[str, bytes]
) -> None:
    name = next(iter(collection))
    assert len(house.get(f"/similarity/search?image_id={name}&num_results=3").json()["dist"]) == 3
    assert house.get(f"/similarity/search?id={name}&max_dist=0").json()["result"] == []
    unknown = house.get("/similarity/search?id=nobody")
    assert failure(unknown) == (404, "unknown_image_id")
    assert (unknown.json()["dist"], unknown.json()["result"]) == ([], [])
    assert failure(house.get("/similarity/search")) == (400, "wrong_arguments_format")


@pytest.mark.long
def test_a_search_by_id_needs_no_triton(house: Stack, collection: dict[str, bytes]) -> None:
    name = next(iter(collection))
    before = house.get(f"/similarity/search?id={name}").json()
    house.kill("triton")
    house.kill("sidecar")
    house.start("sidecar")
    house.wait(lambda: house.get("/health/live").ok, "the sidecar answers")
    assert house.get(f"/similarity/search?id={name}").json() == before
    assert failure(house.get(f"/similarity/images/{name}")) == (503, "model_unavailable")
    assert house.get(f"/similarity/images/{name}/thumbnail").status_code == 200
    house.start("triton")
    house.wait_ready()


# -- what is embedded is what is stored


def test_features_made_again_from_what_is_stored_are_the_same(
    house: Stack, collection: dict[str, bytes]
) -> None:
    """The stored JPEG, sent as an upload, is kept as it is and has the very same features."""
    names = list(collection)[::100]
    for name in names:
        jpeg = house.get(f"/similarity/images/{name}/thumbnail").content
        assert house.post(f"/similarity/add?id=again-{name}", jpeg).status_code == 200
        assert house.get(f"/similarity/images/again-{name}/thumbnail").content == jpeg
    catalogue = open_catalogue(f"sqlite:///{house.folder}/catalogue.sqlite", 30)
    for name in names:
        first, again = (catalogue.images.features(n, 1) for n in (name, f"again-{name}"))
        assert first is not None
        assert again is not None
        # In batches of another size a value may differ in its last float16 bit.
        assert np.abs(first[1] - again[1]).max() < 1e-3
        cosine = first[1] @ again[1] / np.linalg.norm(first[1]) / np.linalg.norm(again[1])
        assert cosine > 0.99999
    catalogue.close()
