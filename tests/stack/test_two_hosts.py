"""Two hosts with a sidecar, a folder and a model repository each. They have PostgreSQL, Redis,
Triton, a worker and an S3 server in common."""

import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from campaigns.switching import switch
from local.stack import Stack
from sidecar.catalogue import open_catalogue
from sidecar.files import sha256_of
from sidecar.index.sharing.remote import FILES
from sidecar.objects import ObjectStore, open_store
from sidecar.volume import host_name
from tests.conftest import EXACT
from tests.support.databases import new_database
from tests.support.versions import put

pytestmark = pytest.mark.long

SOON_S = 60  # it takes two seconds; a machine may be busy
IMAGE = "astronaut-0000"  # which the backup has
OWN = ("DATA_DIR", "PORT", "METRICS_PORT", "HOST")
IN_COMMON = ("REDIS_URL", "TRITON_URL", "TRITON_HTTP_PORT", "TRITON_METRICS_PORT")


@dataclass
class Hosts:
    """A host with the worker, and one that only answers, with `models` of its own."""

    one: Stack
    two: Stack
    models: Path
    exported: Path
    objects: ObjectStore

    @property
    def both(self) -> tuple[Stack, Stack]:
        return (self.one, self.two)

    def current(self) -> int:
        """The generation that is to be searched."""
        number: int = self.one.get("/similarity/stats").json()["current_generation"]
        return number

    def are_level(self) -> bool:
        """Whether no host is behind, by what the first one says."""
        return bool(self.one.get("/similarity/stats").json()["hosts_behind"] == 0)

    def wait_for(self, number: int) -> None:
        for host in self.both:
            host.wait(lambda host=host: searched(host) == {number}, f"{number} comes", SOON_S)


@dataclass
class Traffic:
    """Searches on both hosts all the time, by ids that are there."""

    hosts: Hosts
    failures: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    answers: int = 0

    @contextmanager
    def flowing(self) -> Iterator[None]:
        ended = threading.Event()
        threads = [threading.Thread(target=self._ask, args=(h, ended)) for h in self.hosts.both]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _ask(self, host: Stack, ended: threading.Event) -> None:
        while not ended.wait(0.1):
            answer = host.get(f"/similarity/search?id={IMAGE}")
            self.answers += 1
            if answer.status_code != 200 or len(answer.json()["result"]) != 10:
                self.failures.append(answer.text)
            self.versions.add(answer.headers["X-Model-Version"])


def searched(host: Stack) -> set[int]:
    """The generations that the processes of a host search."""
    answers = [host.get("/health/ready").json() for _ in range(8)]
    return {answer["index"]["generation"] for answer in answers}


def nearest(host: Stack, image_id: str) -> Any:
    return host.get(f"/similarity/search?id={image_id}").json()["result"]


@pytest.fixture(scope="module")
def hosts(
    tmp_path_factory: pytest.TempPathFactory,
    tiny: Path,
    backup: Path,
    postgres_server: str,
    s3_server: dict[str, str],
) -> Iterator[Hosts]:
    folder = tmp_path_factory.mktemp("hosts")
    for name in ("one", "two"):
        shutil.copytree(tiny, folder / f"models-{name}")
    put("small-32", 2, folder / "exported")
    shared = EXACT | s3_server
    shared |= {"INDEX_STORE": f"{s3_server['INDEX_STORE']}/two-hosts"}
    shared |= {"CATALOGUE_URL": new_database(postgres_server), "TASK_LEASE_S": "10"}
    for name in ("one", "two"):
        (folder / name).mkdir()
    one = Stack(folder / "one", MODEL_REPOSITORY=f"{folder}/models-one", **shared)
    common = {name: one.env[name] for name in IN_COMMON}
    two = Stack(folder / "two", MODEL_REPOSITORY=f"{folder}/models-two", **shared | common)
    one.command("restore", str(backup))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in s3_server.items():
            patched.setenv(name, value)
        objects = open_store(shared["INDEX_STORE"])
    try:
        one.start()
        two.start("sidecar")
        for host in (one, two):
            host.wait_ready()
        yield Hosts(one, two, folder / "models-two", folder / "exported" / "keywording", objects)
    finally:
        two.stop()
        one.stop()


@pytest.mark.release
def test_a_restored_index_is_searched_on_both_hosts(hosts: Hosts) -> None:
    hosts.wait_for(hosts.current())
    found = nearest(hosts.one, IMAGE)
    assert len(found) == 10
    assert nearest(hosts.two, IMAGE) == found


def test_trainings_and_updates_are_searched_on_the_other_host_and_no_search_fails(
    hosts: Hosts, collection: dict[str, bytes]
) -> None:
    traffic = Traffic(hosts)
    with traffic.flowing():
        hosts.wait_for(hosts.one.run("train")["generation"])
        for number, photo in enumerate([*collection.values()][:3]):
            answer = hosts.two.post(f"/similarity/add?id=later-{number}&overwrite=1", photo)
            assert answer.status_code == 200
            task = hosts.two.run("update")
            hosts.wait_for(task["generation"])
    assert traffic.failures == []
    assert traffic.answers > 10
    assert nearest(hosts.one, "later-0") == nearest(hosts.two, "later-0")
    stats = [host.get("/similarity/stats").json() for host in hosts.both]
    assert stats[0]["waiting"] == stats[1]["waiting"] == 0
    assert stats[0]["generation"] == hosts.current()
    # A process gives its next life sign up to half a second after it has opened a generation.
    hosts.one.wait(hosts.are_level, "no host is behind", SOON_S)
    assert "nothing wrong" in hosts.one.command("verify")
    assert "nothing wrong" in hosts.two.command("verify")


@pytest.mark.release
def test_a_host_that_was_killed_serves_the_newest_index_after_its_return(hosts: Hosts) -> None:
    hosts.two.kill_all("sidecar")
    number = hosts.one.run("train")["generation"]
    hosts.two.start("sidecar")
    hosts.wait_for(number)
    hosts.two.wait_ready()
    assert nearest(hosts.two, IMAGE) == nearest(hosts.one, IMAGE)


@pytest.mark.release
def test_a_new_host_is_not_ready_before_it_has_an_index(hosts: Hosts, tmp_path: Path) -> None:
    """An object is damaged, so that it never gets one; then that is put right."""
    number = hosts.one.run("train")["generation"]
    name, whole = _newest_codes(hosts, number)
    hosts.objects.put(name, b"something else")
    three = Stack(tmp_path, **{k: v for k, v in hosts.two.env.items() if k not in OWN})
    try:
        three.start("sidecar")
        three.wait(lambda: three.get("/health/live").ok, "it answers")
        three.wait(lambda: "index" in three.get("/health/ready").json()["parts"], "it looked")

        def names_it() -> bool:
            answer = three.get("/health/ready")
            assert answer.status_code == 503, answer.text
            return f"{name} in the index store" in answer.json()["parts"]["index"]

        three.wait(names_it, f"{name} is named", SOON_S)
        assert "index_store_unavailable" in three.get("/health/ready").json()["parts"]["index"]
        assert name in _wrong(hosts.one)
        hosts.objects.put(name, whole)
        three.wait(lambda: three.get("/health/ready").ok, "it is ready", SOON_S)
        assert nearest(three, IMAGE) == nearest(hosts.one, IMAGE)
    finally:
        three.stop()
    assert "nothing wrong" in hosts.one.command("verify")


def _newest_codes(hosts: Hosts, number: int) -> tuple[str, bytes]:
    """The object with the codes of a generation, and what is in it."""
    name = FILES + sha256_of(hosts.one.folder / "index" / f"{number:06d}" / "lists.ivf")
    return name, b"".join(hosts.objects.read(name))


def _wrong(host: Stack) -> str:
    """What `verify` prints, which must find something."""
    with pytest.raises(AssertionError) as caught:
        host.command("verify")
    return str(caught.value)


def has(host: Stack, version: int) -> bool:
    """Whether the model repository of a host has a version, with all that is in order."""
    versions = host.get("/similarity/models").json()["models"]
    found = [each for each in versions if each["version"] == version]
    return any(each["in_repository"] and each["trouble"] is None for each in found)


@pytest.mark.release
def test_an_upgrade_waits_for_both_hosts_and_both_then_answer_by_it(hosts: Hosts) -> None:
    """The version is put into the repository of the host that has neither worker nor Triton."""
    hosts.wait_for(hosts.current())
    shutil.copytree(hosts.exported / "2", hosts.models / "coming")
    (hosts.models / "coming").rename(hosts.models / "keywording" / "2")
    hosts.one.wait(lambda: has(hosts.one, 2), "version 2 comes", SOON_S)
    traffic = Traffic(hosts)
    with traffic.flowing():
        task = switch(hosts.one, "upgrade?version=2")
        hosts.wait_for(hosts.current())
    assert task["version"] == 2
    assert traffic.failures == []
    assert traffic.versions == {"1", "2"}
    assert "switching without" not in hosts.one.log("worker")
    assert nearest(hosts.one, IMAGE) == nearest(hosts.two, IMAGE)
    back = switch(hosts.two, "rollback")
    hosts.wait_for(hosts.current())
    assert back["version"] == 1
    for host in hosts.both:
        answer = host.get(f"/similarity/search?id={IMAGE}")
        assert answer.headers["X-Model-Version"] == "1"
    assert "nothing wrong" in hosts.one.command("verify")


@pytest.mark.release
def test_the_hosts_are_known_by_name_and_forgotten_when_they_end(hosts: Hosts) -> None:
    catalogue = open_catalogue(hosts.one.env["CATALOGUE_URL"], 30)
    names = [host_name(Path(host.env["DATA_DIR"])) for host in hosts.both]

    def of_two() -> set[str]:
        return {each.process for each in catalogue.readers.seen(60) if each.host == names[1]}

    try:
        assert {each.host for each in catalogue.readers.seen(10)} == set(names)
        hosts.two.kill("sidecar", signal.SIGTERM)
        killed = of_two()  # with -9, by a test before this one
        hosts.two.start("sidecar")
        hosts.two.wait(lambda: of_two() - killed, "its processes are known", SOON_S)
        hosts.two.kill("sidecar", signal.SIGTERM)
        assert of_two() <= killed
    finally:
        catalogue.close()
        hosts.two.start("sidecar")
