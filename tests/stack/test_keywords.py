"""Keywords of stored images over HTTP: stored by adds, answered without Triton, filled in."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import update

from local.stack import Stack
from sidecar.catalogue import open_catalogue
from sidecar.catalogue.schema import features
from tests.conftest import Trained
from tests.support.calls import failure, picture, unused

FILL = "/similarity/keywords/fill"
LIKELY = "keyword_threshold=0.05"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """A trained stack of this module's own."""
    with trained(tmp_path_factory.mktemp("keywords")) as stack:
        yield stack


def lose(stack: Stack, count: int) -> None:
    """Leave the first rows as an older release did."""
    url = f"sqlite:///{stack.folder}/catalogue.sqlite"
    with closing(open_catalogue(url, 30)) as catalogue, catalogue.database.writing() as connection:
        rows = features.c.seq <= count
        connection.execute(update(features).where(rows).values(keywords=None))


def unlabelled(stack: Stack) -> int:
    with closing(open_catalogue(f"sqlite:///{stack.folder}/catalogue.sqlite", 30)) as catalogue:
        return catalogue.features.count_unlabelled(1)


def described(stack: Stack, name: str, query: str = LIKELY) -> list[dict[str, Any]]:
    answer = stack.get(f"/similarity/images/{name}?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["keywords"]
    return found


def test_an_add_is_one_inference_and_its_keywords_are_answered_without_another(
    house: Stack,
) -> None:
    name, file = unused(), picture(1)
    before, _ = house.inferences()
    house.post(f"/similarity/add?id={name}", file)
    after, _ = house.inferences()
    assert after == before + 1
    found = described(house, name)
    assert house.inferences()[0] == after
    concepts = house.post(f"/predict/concepts?{LIKELY}", file).json()["concepts"]
    assert [each["name"] for each in found] == [each["name"] for each in concepts]
    scores = [each["score"] for each in concepts]
    assert [each["score"] for each in found] == pytest.approx(scores, abs=2e-3)
    all_of_them = described(house, name, "top_k=10")
    assert house.inferences()[0] == after + 2
    assert len(all_of_them) == 3


@pytest.mark.long
def test_what_is_missing_is_filled_in_while_images_are_added(house: Stack) -> None:
    images = house.get("/similarity/stats").json()["images"]
    lose(house, 500)
    answer = house.post(FILL)
    assert answer.json()["status"] == "ongoing"
    assert answer.json()["message"] == "filling keywords"
    with ThreadPoolExecutor(4) as pool:
        paths = [f"/similarity/add?id={unused()}" for _ in range(20)]
        added = [*pool.map(lambda path: house.post(path, picture(2)).status_code, paths)]
    assert set(added) == {200}
    done = house.finish_well(answer.json()["task_id"])
    assert (done["kind"], done["version"]) == ("fill", 1)
    assert done["with_keywords"] >= images
    assert unlabelled(house) == 0
    assert "nothing wrong" in house.command("verify")


def test_asked_for_twice_it_is_one_task_and_with_nothing_missing_it_ends(house: Stack) -> None:
    house.kill("worker")
    try:
        asked = {house.post(FILL).json()["task_id"] for _ in range(3)}
    finally:
        house.start("worker")
    assert len(asked) == 1
    before, _ = house.inferences()
    house.finish_well(asked.pop())
    assert house.inferences()[0] == before


@pytest.mark.release
@pytest.mark.long
def test_a_filling_whose_worker_was_killed_goes_on(house: Stack) -> None:
    lose(house, 1000)
    task_id = house.post(FILL).json()["task_id"]
    house.wait(lambda: unlabelled(house) < 1000, "a page is stored")
    house.kill_all("worker")
    house.start("worker")
    house.finish_well(task_id)
    assert unlabelled(house) == 0


@pytest.mark.release
@pytest.mark.long
def test_a_cancelled_one_keeps_what_it_has(house: Stack) -> None:
    house.kill("worker")
    lose(house, 10)
    task_id = house.post(FILL).json()["task_id"]
    assert house.post(f"/similarity/tasks/{task_id}/cancel").json()["status"] == "ok"
    house.start("worker")
    status = house.get(f"/similarity/status/{task_id}").json()
    assert (status["status"], status["message"]) == ("error", "cancelled")
    assert unlabelled(house) == 10
    house.finish_well(house.post(FILL).json()["task_id"])
    assert unlabelled(house) == 0


def found(stack: Stack, query: str) -> dict[str, float]:
    """All pages of the images of a keyword, with their scores."""
    images: dict[str, float] = {}
    after = ""
    while True:
        answer = stack.get(f"/similarity/images?{query}{after}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["scores"] == sorted(page["scores"], reverse=True)
        assert not images.keys() & page["ids"]
        images |= dict(zip(page["ids"], page["scores"], strict=True))
        if page["next"] is None:
            return images
        after = f"&after={page['next']}"


def test_an_image_is_found_by_its_keywords_from_its_add_until_its_removal(house: Stack) -> None:
    name = unused()
    house.post(f"/similarity/add?id={name}", picture(1))
    [first, *_] = described(house, name)
    keyword = first["name"].replace(" ", "+")
    for _ in range(8):  # in every process
        assert found(house, f"keyword={keyword}&limit=50")[name] == first["score"]
    assert name in found(house, f"keyword={keyword}&min_score={first['score']}")
    assert name not in found(house, f"keyword={keyword}&min_score={first['score'] + 0.01}")
    listed = house.get("/similarity/keywords?limit=10000").json()
    counts = {each["name"]: each["count"] for each in listed["keywords"]}
    assert counts[first["name"]] == len(found(house, f"keyword={keyword}"))
    wanted = json.dumps({"$keyword": {"$in": [first["name"]], "$gte": first["score"]}})
    query = f"id={name}&num_results=1000&filter={wanted}"
    near = set(house.get(f"/similarity/search?{query}").json()["result"])
    over = found(house, f"keyword={keyword}&min_score={first['score']}")
    assert near == over.keys() - {name}
    house.call("DELETE", f"/similarity/images/{name}")
    assert name not in found(house, f"keyword={keyword}")


@pytest.mark.long
def test_what_was_filled_in_is_found_after_the_update_that_follows(house: Stack) -> None:
    keyword = house.get("/similarity/keywords?limit=1").json()["keywords"][0]["name"]
    before = found(house, f"keyword={keyword}")
    lose(house, 100)
    house.run("train")
    assert house.get("/similarity/keywords").json()["unlabelled"] == 100
    assert len(found(house, f"keyword={keyword}")) < len(before)
    house.finish_well(house.post(FILL).json()["task_id"])
    house.wait(
        lambda: house.get("/similarity/keywords").json()["unlabelled"] == 0, "the update follows"
    )
    after = found(house, f"keyword={keyword}")
    assert after.keys() == before.keys()
    assert "nothing wrong" in house.command("verify")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("images?keyword=tabbby", "version 1 has no keyword 'tabbby'"),
        ("images?min_score=0.1", "min_score goes with keyword=KEYWORD"),
        ("images?keyword=sea&min_score=2", "min_score must be from 0 to 1"),
        ("images?keyword=sea&min_score=x", "min_score must be a number"),
        ("images?keyword=sea&after=5", "after must be the `next` of the page before"),
        ("images?keyword=sea&after=nan:1", "after must be the `next` of the page before"),
        ("images?keyword=sea&after=0.5:-1", "after must be the `next` of the page before"),
        ("images?after=0.5:1", "after must be a whole number"),
        ("keywords?limit=0", "limit must be from 1 to 10000"),
        ("keywords?prefi=x", "did you mean prefix?"),
        ('search?id=cat&filter={"$keyword":"tabbby"}', "no image has the id cat"),
    ],
)
def test_what_is_wrong_is_named(house: Stack, query: str, place: str) -> None:
    answer = house.get(f"/similarity/{query}")
    assert answer.status_code in (400, 404)
    assert place in answer.json()["detail"]


def test_it_takes_no_parameters_and_no_get(house: Stack) -> None:
    assert failure(house.post(f"{FILL}?version=1")) == (400, "wrong_arguments_format")
    assert house.get(FILL).status_code == 405
    name = house.get("/similarity/images?limit=1").json()["ids"][0]
    wrong = house.get(f"/similarity/images/{name}?keyword_threshold=x")
    assert failure(wrong) == (400, "wrong_arguments_format")
