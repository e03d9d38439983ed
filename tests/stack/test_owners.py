"""Whatever is started has an owner that ends it; and what has nothing to do leaves others alone."""

import logging
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import requests

from local.ports import free_ports
from local.process import ROOT
from local.stack import Stack
from sidecar.catalogue import Catalogue, ModelRecord, Page, TaskKind, open_catalogue
from sidecar.errors import CatalogueUnavailable, FeaturesUnavailable, QueueUnavailable, TaskLost
from sidecar.http.app import create_app
from sidecar.index import BuildRules, Commission, GenerationStore, Memtable, Tombstones
from sidecar.index.local.draft import SEGMENT_ROWS
from sidecar.index.local.engine import LocalEngine
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import Endpoint, TritonClient
from sidecar.models.triton.channel import of_several
from sidecar.models.triton.endpoint import Calling
from sidecar.models.triton.server import Server
from sidecar.periodic import Periodic
from sidecar.search.view import Views
from sidecar.settings import Settings, from_environment
from sidecar.tasks.admission import Admission
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.scheduler import AutoUpdate, Scheduler
from sidecar.telemetry import page
from sidecar.telemetry.worker import WorkerMetrics
from sidecar.warmup import Warmup
from tests.support.house import NOWHERE, House
from tests.support.local_client import local_client

NO_REDIS = "redis://127.0.0.1:1/0"
SOON_S = 10


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def address_family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def settings_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    nothing = {"REDIS_URL": NO_REDIS, "TRITON_URL": "127.0.0.1:1"}
    nothing["MODEL_REPOSITORY"] = str(folder / "none")
    for name, value in nothing.items():
        monkeypatch.setenv(name, value)
    return from_environment(data_dir=folder / "data")


def test_making_the_service_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path, monkeypatch)
    before = threads()
    app = create_app(settings)
    assert not threads() - before
    assert list(tmp_path.iterdir()) == []
    answer = local_client(app).simulate_get("/similarity/stats")
    assert (answer.status_code, answer.json["detail"]) == (
        503,
        "the catalogue has not been opened",
    )


def test_a_service_that_has_ended_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = threads()
    with create_app(settings_of(tmp_path, monkeypatch)) as app:
        client = local_client(app)
        begun = {thread.name for thread in threads() - before}
        assert begun == {"scheduler", "warmup"}
        assert client.simulate_get("/similarity/stats").json["images"] == 0
        assert client.simulate_get("/health/ready").json["parts"]["catalogue"] == "ok"
        files = b'--b\r\nContent-Disposition: form-data; name="data"; filename="a.jpg"\r\n\r\nx'
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        lines = client.simulate_post(
            "/similarity/add_batch", body=files + b"\r\n--b--\r\n", headers=kind
        )
        assert lines.json["message"] == "image_reading_error"
        begun = {thread.name.split("_")[0] for thread in threads() - before}
        assert begun == {"scheduler", "warmup", "health", "batch"}
    assert not threads() - before


def test_a_service_that_can_not_start_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").write_text("a file, where a folder should be")
    before = threads()
    with (
        pytest.raises(CatalogueUnavailable),
        create_app(settings_of(tmp_path, monkeypatch)),
    ):
        pass
    assert not threads() - before


def test_a_draft_that_is_given_up_leaves_no_thread(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.add(1, 3)
    before = threads()
    task, model = house.claim("train"), ModelRecord(1, 1, "a" * 64, 64)
    commission = Commission(task, model, "", BuildRules(0, "cpu"), lambda *_: None)
    draft = LocalEngine().draft(tmp_path / "index", commission)
    seqs = np.arange(1, SEGMENT_ROWS + 1)
    page = Page(seqs, np.zeros((SEGMENT_ROWS, 64), np.float16), np.zeros(SEGMENT_ROWS, np.uint32))

    def pages() -> Iterator[Page]:
        yield page
        raise TaskLost("cancelled")

    with pytest.raises(TaskLost):
        draft.append(pages(), lambda _: None)
    assert not threads() - before
    house.catalogue.close()


# -- rounds


def test_rounds_go_on_after_an_error_and_end_when_they_are_stopped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rounds, enough = [], threading.Event()

    def act() -> None:
        rounds.append(threading.current_thread().name)
        if len(rounds) == 1:
            raise QueueUnavailable("Redis: away")
        if len(rounds) == 2:
            raise ZeroDivisionError("a bug")
        enough.set()

    periodic = Periodic("round", act, 0.001, (QueueUnavailable,), logging.INFO)
    with caplog.at_level(logging.INFO, "sidecar.periodic"):
        assert rounds == []
        periodic.start()
        assert enough.wait(SOON_S)
        periodic.stop()
        assert periodic.join(SOON_S)
    assert set(rounds) == {"round"}
    first, second = caplog.records[:2]
    assert (first.levelno, first.getMessage(), first.exc_info) == (
        logging.INFO,
        "Redis: away",
        None,
    )
    assert (second.levelno, second.getMessage()) == (logging.ERROR, "a round of the round failed")
    assert second.exc_info is not None
    assert second.exc_info[0] is ZeroDivisionError


def test_a_pause_between_two_rounds_ends_at_once_when_they_are_stopped() -> None:
    periodic = Periodic("slow", lambda: None, 3600, ())
    assert periodic.join(0)  # it has not begun
    periodic.start()
    assert not periodic.join(0)
    periodic.stop()
    assert periodic.join(SOON_S)


@pytest.fixture
def catalogue(database_url: str) -> Iterator[Catalogue]:
    catalogue = open_catalogue(database_url, 30.0)
    catalogue.models.adopt(1, "a" * 64, 8)
    yield catalogue
    catalogue.close()


def test_an_idle_process_takes_no_write_lock(
    catalogue: Catalogue, database_url: str, tmp_path: Path
) -> None:
    """Its rounds go through while another process writes, and that one may take its time."""
    admission = Admission(GenerationStore(tmp_path / "index"), tmp_path)
    dispatcher = Scheduler(catalogue, admission, TaskQueue(NO_REDIS), AutoUpdate(60.0, 10))
    models = ModelRegistry(tmp_path, catalogue.models, NOWHERE)
    tombstones = Tombstones(catalogue.removals)
    memtable = Memtable(catalogue.new_features, catalogue.removals, 10)
    views = Views(GenerationStore(tmp_path / "index"), models, memtable)
    preloader = Warmup(models, tombstones, views)
    other = open_catalogue(database_url, 30.0)

    def rounds() -> None:
        dispatcher.run_round()
        preloader.look()

    with ThreadPoolExecutor(1) as pool:
        with other.database.writing():
            done = pool.submit(rounds)
            done.exception(SOON_S)
        assert done.result() is None
    other.close()


def test_a_task_whose_worker_fell_silent_is_still_put_back(catalogue: Catalogue) -> None:
    task = catalogue.tasks.request(TaskKind.TRAIN)
    assert catalogue.tasks.claim(task.task_id) is not None
    assert catalogue.tasks.deliverable() == []
    catalogue.tasks.release(task.task_id)
    [again] = catalogue.tasks.deliverable()
    assert (again.task_id, again.state, again.lost) == (task.task_id, "waiting", 1)


# -- servers


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_page_of_a_worker_ends_with_it(host: str) -> None:
    """And with its last thread: that of a scrape which has just been answered, and of a client that
    has said nothing."""
    try:
        socket.create_server((host, 0), family=address_family(host)).close()
    except OSError:
        pytest.skip(f"this machine has no {host}")
    [port] = free_ports(1)
    url = f"http://{'[::1]' if ':' in host else host}:{port}/metrics"
    before = threads()
    for _ in range(3):
        metrics = WorkerMetrics()
        metrics.serve(host, port)
        with socket.create_connection((host, port)):
            assert "similarity_workers_lost_total 0.0" in requests.get(url, timeout=SOON_S).text
            metrics.close()
        assert not threads() - before
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=SOON_S)


def test_a_client_that_says_nothing_keeps_no_thread_of_a_page(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(page._Handler, "timeout", 0.1)
    [port] = free_ports(1)
    metrics, before = WorkerMetrics(), threads()
    metrics.serve("127.0.0.1", port)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SOON_S) as connection:
            assert connection.recv(1) == b""
    finally:
        metrics.close()
    assert not threads() - before
    assert capfd.readouterr().err == ""


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of what takes connections and says nothing, as a Triton that loads for minutes
    does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def connect(address: str) -> Endpoint:
    return Calling(timeout_s=SOON_S).endpoint([address], of_several(), counts=False)


@pytest.mark.parametrize("end", [Server.stop_load, Server.close])
def test_a_load_that_takes_minutes_keeps_no_thread(
    silent: str, end: Callable[[Server], None]
) -> None:
    before, server = threads(), Server(silent, connect)
    server.start_load()
    server.start_load()
    assert {thread.name for thread in threads() - before} == {f"load {silent}"}
    end(server)
    assert not threads() - before
    server.start_load()  # too soon after
    assert not threads() - before


def test_a_client_that_is_closed_waits_for_no_load(silent: str) -> None:
    client = TritonClient(silent, timeout_s=SOON_S)
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(client.load)
        client.close()
        with pytest.raises(FeaturesUnavailable):
            load.result(SOON_S)
        with pytest.raises(FeaturesUnavailable, match="closed"):
            pool.submit(client.load).result(SOON_S)
    with pytest.raises(FeaturesUnavailable, match="the connection to it was closed"):
        client.load()


LIVES_ON = """
import contextlib
from sidecar.errors import FeaturesUnavailable
from sidecar.models.triton import TritonClient

contextlib.client = TritonClient("127.0.0.1:1", 1)  # goes after the library's own modules
with contextlib.suppress(FeaturesUnavailable):
    contextlib.client.is_ready(1)
contextlib.client.close()
"""


def test_a_client_that_is_closed_says_nothing_when_its_process_ends() -> None:
    """The library's close themselves when they are deleted, and can't any more by then."""
    command = [sys.executable, "-c", LIVES_ON]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_server_that_has_ended_has_closed_its_catalogue(tmp_path: Path) -> None:
    """SQLite takes its log away when the last process closes the file, and leaves it where one just
    ended. It is asked to end while one of its processes may not have begun yet."""
    stack = Stack(tmp_path, HTTP_PROCESSES="2", REDIS_URL=NO_REDIS)
    stack.start("sidecar")
    try:
        stack.wait(lambda: stack.get("/health/live").ok, "the sidecar answers")
        for _ in range(8):  # whichever process it is that answers has the catalogue open by then
            assert stack.get("/similarity/stats").json()["images"] == 0
        [log] = tmp_path.rglob("catalogue.sqlite-wal")
        stack.send("sidecar", signal.SIGTERM)
        stack.wait(lambda: stack.ended("sidecar"), "it has ended")
    finally:
        stack.stop()
    assert not log.exists()
    told = stack.log("sidecar")
    assert told.count("Worker exiting") == 2
    assert "Exception" not in told
    assert "given up" not in told
