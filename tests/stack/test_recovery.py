"""Parts of the real stack are killed and come back: nothing is lost, and nobody has to help."""

import itertools
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests
from redis import Redis
from rq import Callback, Queue
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from local.stack import COMMANDS, ROOT, Stack
from sidecar.catalogue.task_rows import MOST_ATTEMPTS
from sidecar.tasks.worker import TaskWorker
from tests.conftest import Trained
from tests.support.calls import picture

LEASE_S = "10"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """A trained stack of this module's own; each test leaves it whole again."""
    folder = tmp_path_factory.mktemp("house")
    with trained(folder, TASK_LEASE_S=LEASE_S, TRITON_TIMEOUT_S="5") as stack:
        yield stack


def answer(stack: Stack, file: bytes) -> tuple[list[str], list[float]]:
    found = stack.post("/similarity/search", file).json()
    return found["result"], found["dist"]


def test_triton_away_is_a_503_and_its_return_is_noticed(
    house: Stack, collection: dict[str, bytes]
) -> None:
    file = next(iter(collection.values()))
    before = answer(house, file)
    house.kill("triton")
    for path in ("/similarity/add?id=lost", "/similarity/search", "/predict/concepts"):
        response = house.post(path, file)
        assert (response.status_code, response.json()["message"]) == (503, "model_unavailable")
        assert int(response.headers["Retry-After"]) > 0
    ready = house.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["parts"]["triton"].startswith("model_unavailable")
    assert ready.json()["parts"]["catalogue"] == "ok"
    house.start("triton")
    house.wait_ready()
    assert answer(house, file) == before
    # The other process may have to find out yet.
    house.wait(lambda: house.post("/similarity/add?id=lost", file).ok, "the add is taken")


@pytest.mark.long
def test_a_triton_that_hangs_is_a_503(house: Stack) -> None:
    house.send_all("triton", signal.SIGSTOP)
    response = house.post("/similarity/add?id=hangs", picture(0))
    house.send_all("triton", signal.SIGCONT)
    assert (response.status_code, response.json()["message"]) == (503, "model_unavailable")
    house.wait_ready()
    assert house.post("/similarity/add?id=hangs", picture(0)).status_code == 200


def test_a_request_made_while_redis_is_away_is_served_when_it_is_back(house: Stack) -> None:
    house.kill("redis")
    assert house.post("/similarity/add?id=no-redis", picture(1)).status_code == 200
    asked = house.get("/similarity/update").json()
    assert asked["status"] == "ongoing"
    assert house.get("/health/ready").json()["parts"]["queue"].startswith("queue_unavailable")
    (house.folder / "redis").rename(house.folder / "redis-lost")  # it forgets everything
    house.start("redis")
    assert house.finish(asked["task_id"])["status"] == "ok"
    assert "no-redis" in answer(house, picture(1))[0]
    house.wait_ready()


@pytest.mark.long
def test_a_redis_that_hangs_holds_up_no_request(house: Stack) -> None:
    house.send("redis", signal.SIGSTOP)
    asked = house.get("/similarity/update").json()
    assert asked["status"] == "ongoing"
    assert house.get("/health/ready").json()["parts"]["queue"].startswith("queue_unavailable")
    house.send("redis", signal.SIGCONT)
    assert house.finish(asked["task_id"])["status"] == "ok"
    house.wait_ready()


@pytest.mark.long
def test_a_task_survives_the_worker_that_ran_it(house: Stack) -> None:
    house.post("/similarity/add?id=worker-killed", picture(2))
    task_id, horse = held_training(house)
    house.kill("worker")
    horse.wait(60)  # it does not outlive its parent
    house.start("worker")
    done = house.finish(task_id)
    assert done["status"] == "ok"
    assert house.get(f"/similarity/status/{task_id}").json()["generation"] == done["generation"]
    assert "worker-killed" in answer(house, picture(2))[0]


@pytest.mark.release
@pytest.mark.long
def test_a_worker_that_hangs_is_succeeded_and_publishes_nothing(house: Stack) -> None:
    house.post("/similarity/add?id=worker-hangs", picture(5))
    task_id, horse = held_training(house)  # it neither works nor ends
    newest = house.get("/similarity/stats").json()["generation"]
    second = subprocess.Popen(["sh", "-c", COMMANDS["worker"]], cwd=ROOT, env=house.env)
    try:
        done = house.finish(task_id)
        horse.resume()  # it wakes up and finds that its task is another's
        horse.wait(60)
    finally:
        second.terminate()
        second.wait(60)
    assert (done["status"], done["generation"]) == ("ok", newest + 1)
    assert house.get(f"/similarity/status/{task_id}").json() == done
    assert house.get("/similarity/stats").json()["generation"] == newest + 1
    assert "worker-hangs" in answer(house, picture(5))[0]
    house.command("verify")


@pytest.mark.release
@pytest.mark.long
def test_a_redis_that_is_emptied_while_a_task_runs_loses_nothing(house: Stack) -> None:
    running_id = house.get("/similarity/train").json()["task_id"]
    house.wait(lambda: is_running(house, running_id), "the training runs")
    house.post("/similarity/add?id=redis-emptied", picture(6))
    waiting_id = house.get("/similarity/update").json()["task_id"]
    with Redis.from_url(house.env["REDIS_URL"]) as redis:
        redis.flushall()
    for task_id in (running_id, waiting_id):
        assert house.get(f"/similarity/status/{task_id}").json()["status"] in ("ongoing", "ok")
    assert house.finish(running_id)["status"] == "ok"
    assert house.finish(waiting_id)["status"] == "ok"
    assert "redis-emptied" in answer(house, picture(6))[0]


@pytest.mark.long
def test_a_worker_that_is_asked_to_stop_gives_its_task_back(house: Stack) -> None:
    task_id = house.get("/similarity/train").json()["task_id"]
    for _ in range(MOST_ATTEMPTS):  # which are those whose worker was lost; this one is not
        house.wait(lambda: is_running(house, task_id), "the training runs")
        house.kill("worker", signal.SIGTERM)
        assert house.get(f"/similarity/status/{task_id}").json()["status"] == "ongoing"
        house.start("worker")
    assert house.finish(task_id)["status"] == "ok"


def test_a_running_task_can_be_cancelled_and_all_is_as_before(
    house: Stack, collection: dict[str, bytes]
) -> None:
    file = next(iter(collection.values()))
    before = answer(house, file)
    files = sorted(path.name for path in (house.folder / "index").rglob("*"))
    task_id, horse = held_training(house)
    assert house.post(f"/similarity/tasks/{task_id}/cancel").json()["status"] == "ok"
    with suppress(psutil.NoSuchProcess):  # the worker may have killed it already
        horse.resume()
    cancelled = house.finish(task_id)
    assert (cancelled["status"], cancelled["message"]) == ("error", "cancelled")
    house.run("update")  # the worker is free again, and clears away what the other left
    assert sorted(path.name for path in (house.folder / "index").rglob("*")) == files
    assert answer(house, file) == before


def test_a_waiting_task_can_be_cancelled(house: Stack) -> None:
    house.kill("worker", signal.SIGTERM)
    task_id = house.get("/similarity/train").json()["task_id"]
    house.post(f"/similarity/tasks/{task_id}/cancel")
    house.start("worker")
    assert house.finish(task_id)["message"] == "cancelled"
    assert house.run("update")["status"] == "ok"


def test_after_kill_9_of_everything_all_is_as_before(
    house: Stack, collection: dict[str, bytes]
) -> None:
    house.post("/similarity/add?id=last", picture(3))
    finished = house.run("update")
    files = [*list(collection.values())[:5], picture(3)]
    before = [answer(house, file) for file in files]
    for name in ("sidecar", "worker", "redis", "triton"):
        house.kill(name)
    house.start()
    house.wait_ready()
    assert [answer(house, file) for file in files] == before
    assert house.get(f"/similarity/status/{finished['task_id']}").json() == finished


def test_every_acknowledged_add_survives_kill_9_of_the_sidecar(house: Stack) -> None:
    """Fifty clients add while the sidecar is killed; each then tries again what was not told ok."""

    acknowledged: set[int] = set()
    sent: set[int] = set()

    def add(client: int) -> None:
        for number in itertools.count(client, 50):
            sent.add(number)
            try:
                if house.post(f"/similarity/add?id=killed-{number}", picture(number)).ok:
                    acknowledged.add(number)
            except requests.RequestException:
                return

    with ThreadPoolExecutor(50) as pool:
        adding = [pool.submit(add, client) for client in range(50)]
        house.wait(lambda: len(acknowledged) >= 30, "some adds were acknowledged")
        house.kill_all("sidecar")
    for future in adding:
        future.result()
    house.start("sidecar")
    house.wait_ready()
    assert sent > acknowledged > set()
    for number in sent:
        again = house.post(f"/similarity/add?id=killed-{number}", picture(number))
        if number in acknowledged:
            assert (again.status_code, again.json()["identical"]) == (409, True)
        else:  # it may have been stored, with its answer lost: then it is the same image
            assert again.status_code == 200 or again.json()["identical"]


@pytest.mark.long
def test_auto_update_indexes_what_was_added(house: Stack) -> None:
    house.kill("sidecar", signal.SIGTERM)
    house.env["AUTO_UPDATE_S"] = "1"
    house.start("sidecar")
    house.wait_ready()
    house.post("/similarity/add?id=by-itself", picture(4))
    house.wait(lambda: "by-itself" in answer(house, picture(4))[0], "the image is found")
    time.sleep(3)
    newest = house.get("/similarity/tasks?limit=2").json()["tasks"]
    assert newest[0]["kind"] == "update"
    last = newest[0]["created_at"]
    time.sleep(3)
    assert house.get("/similarity/tasks?limit=1").json()["tasks"][0]["created_at"] == last


def test_a_worker_can_be_stopped_while_redis_is_away(house: Stack) -> None:
    house.kill("redis")
    house.kill("worker", signal.SIGTERM)  # fails where it does not end by itself
    house.start("redis", "worker")
    house.wait_ready()


def test_a_worker_stops_though_a_log_record_has_swallowed_the_signal(
    house: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RQ raises an exception out of the signal's handler, and logging passes over what it meets."""
    monkeypatch.setattr(TaskWorker, "stopping", False)
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    with Redis.from_url(house.env["REDIS_URL"]) as redis:
        worker = TaskWorker(["nobody's"], connection=redis, serializer=JSONSerializer)
        with suppress(StopRequested):
            worker.request_stop(signal.SIGTERM, None)  # type: ignore[no-untyped-call]
        for each, handler in before.items():
            signal.signal(each, handler)
        with pytest.raises(StopRequested):
            worker.dequeue_job_and_maintain_ttl(1)


def held_training(stack: Stack) -> tuple[str, psutil.Process]:
    """A training in the midst of its work, and its process, which stands still."""
    found: list[tuple[str, psutil.Process]] = []

    def holds_one() -> bool:
        task_id = stack.get("/similarity/train").json()["task_id"]
        stack.wait(lambda: not is_waiting(stack, task_id), "the training has begun")
        try:
            [horse] = psutil.Process(stack.pid("worker")).children(recursive=True)
            horse.suspend()
        except (ValueError, psutil.NoSuchProcess):
            return False  # it was too quick
        if is_running(stack, task_id):
            found.append((task_id, horse))
        else:
            horse.resume()
        return bool(found)

    stack.wait(holds_one, "a training runs")
    return found[0]


def is_waiting(stack: Stack, task_id: str) -> bool:
    told = stack.get(f"/similarity/status/{task_id}").json()
    return told["status"] == "ongoing" and not is_running(stack, task_id)


def is_running(stack: Stack, task_id: str) -> bool:
    phase = stack.get(f"/similarity/status/{task_id}").json().get("phase")
    return phase in ("starting", "reading", "clustering", "adding")


@pytest.mark.long
def test_a_volume_that_cannot_be_used_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "catalogue.sqlite").mkdir()
    stack = Stack(tmp_path)
    for name in ("sidecar", "worker"):
        stack.start(name)
        stack.wait(lambda name=name: stack.ended(name), "it has ended")
        [line] = stack.log(name).splitlines()
        assert line == "the catalogue: unable to open database file"


def test_sidecars_settings_are_checked_at_the_start(tmp_path: Path) -> None:
    wrong = {"NPROB": "0", "SIMILARITY_SEARCH_NUM_RESULTS": "many", "PORT": "70000"}
    stack = Stack(tmp_path, **wrong, CATALOGUE_URL="mysql://me:secret@host/name")
    stack.start("sidecar")
    stack.wait(lambda: stack.ended("sidecar"), "it has ended")
    for name in ("NPROB='0'", "SIMILARITY_SEARCH_NUM_RESULTS='many'", "PORT='70000'"):
        assert name in stack.log("sidecar")
    assert "CATALOGUE_URL: " in stack.log("sidecar")
    assert "secret" not in stack.log("sidecar")
    assert "Traceback" not in stack.log("sidecar")


def test_a_job_that_is_none_of_ours_is_not_run(house: Stack, tmp_path: Path) -> None:
    """Whoever may write to Redis shall not thereby run commands here."""
    made = tmp_path / "made"
    with Redis.from_url(house.env["REDIS_URL"]) as redis:
        queue = Queue("similarity", connection=redis, serializer=JSONSerializer)
        jobs = [
            queue.enqueue("os.system", f"touch {made}"),
            queue.enqueue("sidecar.tasks.runner.run", on_failure=Callback("os.abort")),
            queue.enqueue(
                "sidecar.tasks.runner.run", "no-such-task", on_failure=Callback("os.abort")
            ),
        ]
        redis.hset(jobs[0].key, "description", "a training")
        broken = queue.enqueue("sidecar.tasks.runner.run", "x")
        redis.hset(broken.key, "data", b"\xff\xfe")
        house.wait(lambda: queue.count == 0, "the worker has seen them all")
    house.run("update")  # it lives on
    assert not made.exists()
    assert house.log("worker").count("is none of ours") == 3
