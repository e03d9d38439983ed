"""A volume and the tasks in flight of an older commit go on under this code.

`tests.support.old_volume` says what is in it and how it was made.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from local.stack import Stack
from tests.support import old_volume
from tests.support.databases import KINDS, new_database
from tests.support.old_volume import ORIGINAL, OldVolume

CHANGING = {"catalogue_bytes", "index_bytes", "last_task"}  # of the stats, with the tasks in flight
SAME = 1e-5  # of a squared distance: another batch may change a feature's last bits


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> OldVolume:
    return old_volume.unpack(tmp_path_factory.mktemp("old"))


@contextmanager
def serving(volume: OldVolume, folder: Path, **settings: str) -> Iterator[Stack]:
    """A stack without a worker, so that no task runs yet; it searches as the release before did."""
    stack = Stack(folder, **volume.settings, LIVE_SEARCH="0", **settings)
    try:
        stack.start("triton", "redis", "sidecar")
        stack.wait(lambda: parts(stack)["triton"] == parts(stack)["catalogue"] == "ok", "it serves")
        yield stack
    finally:
        stack.stop()


def parts(stack: Stack) -> dict[str, str]:
    found: dict[str, str] = stack.get("/health/ready").json()["parts"]
    return found


@pytest.fixture(scope="module")
def stack(volume: OldVolume) -> Iterator[Stack]:
    """The stack on the old volume, with the model repository of then."""
    with serving(volume, volume.data) as stack:
        yield stack


@pytest.fixture(scope="module")
def working(stack: Stack, volume: OldVolume) -> Stack:
    """It, after the tasks that were in flight."""
    stack.start("worker")
    for task_id in volume.known["in_flight"].values():
        stack.finish_well(task_id)
    return stack


def differences(stack: Stack, known: dict[str, Any]) -> list[str]:
    """The recorded answers that are others now; what an answer has besides is no matter."""
    found = []
    for path, before in known["answers"].items():
        now = stack.get(path).json()
        wanted = {key: before[key] for key in before if key not in CHANGING}
        if {key: now.get(key) for key in wanted} != rounded(wanted, now):
            others = {key: now.get(key) for key in wanted if now.get(key) != wanted[key]}
            found.append(f"{path}: {before}\nhas now: {others}")
    for name, digest in known["thumbnails"].items():
        file = stack.get(f"/similarity/images/{name}/thumbnail").content
        if hashlib.sha256(file).hexdigest() != digest:
            found.append(f"the thumbnail of {name}")
        now, before = stack.post("/similarity/search", file).json(), known["searches"][name]
        if now != rounded(before, now):
            found.append(f"a search for {name}: {before} is now {now}")
    return found


def of_backup(known: dict[str, Any]) -> dict[str, Any]:
    """What was recorded, less the generations that a backup leaves behind: all but the current."""
    current = known["answers"]["/similarity/stats"]["generation"]
    answer = known["answers"]["/similarity/models"]
    models = [
        model | {"generations": [n for n in model["generations"] if n == current]}
        for model in answer["models"]
    ]
    return known | {
        "answers": known["answers"] | {"/similarity/models": answer | {"models": models}}
    }


def rounded(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """An answer with the distances and scores of a later one, where they are the same."""
    close = dict(before)
    if "dist" in before and now.get("dist") == pytest.approx(before["dist"], abs=SAME):
        close["dist"] = now["dist"]
    if "keywords" in before and same_keywords(before["keywords"], now["keywords"]):
        close["keywords"] = now["keywords"]
    return close


def same_keywords(before: list[dict[str, Any]], now: list[dict[str, Any]]) -> bool:
    names, scores = (
        [[each[key] for each in keywords] for keywords in (before, now)]
        for key in ("name", "score")
    )
    return names[0] == names[1] and scores[1] == pytest.approx(scores[0], abs=SAME)


def test_every_answer_is_what_it_was(stack: Stack, volume: OldVolume) -> None:
    assert len(volume.known["answers"]) > 70
    assert differences(stack, volume.known) == []
    original = stack.get(f"/similarity/images/{ORIGINAL}/original").content
    assert hashlib.sha256(original).hexdigest() == volume.known["original"][ORIGINAL]


def test_tasks_of_every_kind_and_end_are_known(volume: OldVolume) -> None:
    """Else the test before this one would say less than it means to."""
    tasks = [task for path, task in volume.known["answers"].items() if "/status/" in path]
    assert {task["kind"] for task in tasks} == set(old_volume.TASKS)
    ends = {(task["kind"], task["status"], task["message"]) for task in tasks}
    assert ("train", "error", "no samples") in ends, ends
    assert ("upgrade", "error", "cancelled") in ends
    assert ("upgrade", "error", "model_refused") in ends


def test_the_tasks_in_flight_wait_to_be_done(stack: Stack, volume: OldVolume) -> None:
    for task_id in volume.known["in_flight"].values():
        assert stack.get(f"/similarity/status/{task_id}").json()["status"] == "ongoing"


def test_redis_still_has_the_job_of_the_task_that_waits_as_it_was_queued(
    stack: Stack, volume: OldVolume
) -> None:
    with Redis.from_url(stack.env["REDIS_URL"]) as redis:
        queue = Queue("similarity", connection=redis, serializer=JSONSerializer)
        job = queue.fetch_job(volume.known["in_flight"]["waiting"])
        assert job is not None
        assert (job.func_name, job.id in queue.get_job_ids()) == ("sidecar.jobs.run", True)


def test_the_task_that_ran_and_the_one_that_waited_end_well(
    working: Stack, volume: OldVolume
) -> None:
    ended = {
        part: working.get(f"/similarity/status/{task_id}").json()
        for part, task_id in volume.known["in_flight"].items()
    }
    before = volume.known["answers"]["/similarity/stats"]
    assert (ended["running"]["kind"], ended["waiting"]["kind"]) == ("train", "update")
    assert {task["images"] for task in ended.values()} == {before["images"]}
    assert "is none of ours" not in working.log("worker")  # the job that the old sidecar queued ran
    stats = working.get("/similarity/stats").json()
    assert (stats["images"], stats["indexed"]) == (before["images"], before["images"])
    newest = max(task["generation"] for task in ended.values())
    assert before["generation"] < stats["generation"] == newest


def test_what_is_added_is_found_after_an_update_and_nothing_is_wrong(working: Stack) -> None:
    file = old_volume.picture(99_999)
    assert working.post("/similarity/add?id=of-today", file).json()["status"] == "ok"
    working.run("update")
    assert working.post("/similarity/search", file).json()["result"][0] == "of-today"
    assert "nothing wrong" in working.command("verify")


@pytest.mark.long
def test_the_way_back_to_the_version_before_is_open(working: Stack) -> None:
    asked = working.post("/similarity/rollback").json()
    task = working.finish_well(asked["task_id"])
    assert (task["version"], task["previous"]) == (2, 1)
    assert working.get("/similarity/models").json()["in_use"] == 2
    stats = working.get("/similarity/stats").json()
    assert stats["images"] == stats["indexed"]
    assert "nothing wrong" in working.command("verify")


@pytest.mark.long
def test_what_was_stored_without_keywords_gets_them(working: Stack) -> None:
    answer = working.post("/similarity/keywords/fill").json()
    task = working.finish_well(answer["task_id"])
    images = working.get("/similarity/stats").json()["images"]
    assert (task["version"], task["with_keywords"]) == (2, images)
    name = working.get("/similarity/images?limit=1").json()["ids"][0]
    [anew, kept] = [
        working.get(f"/similarity/images/{name}?top_k={most}&keyword_threshold=0.05").json()
        for most in (1000, 3)
    ]
    assert anew["keywords"] == kept["keywords"]
    assert "nothing wrong" in working.command("verify")


@pytest.mark.release
@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_the_old_backup_is_restored_into_either_database(
    volume: OldVolume, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    settings = {}
    if kind == "postgresql":
        settings["CATALOGUE_URL"] = new_database(request.getfixturevalue("postgres_server"))
    Stack(tmp_path, **volume.settings, **settings).command("restore", f"{volume.backup}")
    with serving(volume, tmp_path, **settings) as restored:
        assert differences(restored, of_backup(volume.known)) == []
        assert "nothing wrong" in restored.command("verify")


@pytest.mark.release
@pytest.mark.long
def test_the_old_catalogue_in_postgresql_goes_on(
    volume: OldVolume, tmp_path: Path, postgres_server: str
) -> None:
    url = new_database(postgres_server)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute((volume.folder / "postgresql.sql").read_bytes())
    shutil.copytree(volume.backup / "index", tmp_path / "index")
    with serving(volume, tmp_path, CATALOGUE_URL=url) as stack:
        assert differences(stack, of_backup(volume.known)) == []
        stack.start("worker")
        stack.run("update")
        filled = stack.finish_well(stack.post("/similarity/keywords/fill").json()["task_id"])
        assert filled["with_keywords"] == volume.known["answers"]["/similarity/stats"]["images"]
        assert "nothing wrong" in stack.command("verify")
