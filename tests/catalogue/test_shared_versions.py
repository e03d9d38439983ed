"""Two hosts, each with a model repository of its own, share versions by a catalogue and a store."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.files import locked
from sidecar.models.levelling import COMING
from sidecar.models.put_away import REJECTED, RETIRED, put_away
from sidecar.models.remote_versions import FILES, GRACE_S, MANIFESTS, RemoteVersions
from sidecar.models.version_follower import LOCK, VersionFollower
from sidecar.objects import ObjectStore, open_store
from tests.support.databases import new_file
from tests.support.house import describe


def make(host: "Host", version: int, content: bytes = b"a model") -> Path:
    """A version, whole as far as its files go."""
    sha256 = hashlib.sha256(content).hexdigest()
    describe(host.repository, version, sha256)
    folder = host.version(version)
    (folder / "model.onnx").write_bytes(content)
    return folder


@dataclass
class Host:
    """A host with one process that follows."""

    name: str
    folder: Path
    catalogue: Catalogue
    objects: ObjectStore

    def __post_init__(self) -> None:
        self.repository = self.folder / "models"
        (self.repository / "keywording").mkdir(parents=True, exist_ok=True)
        (self.repository / "keywording" / "config.pbtxt").write_text(f"of {self.name}")
        self.follower = self.process()

    def process(self) -> VersionFollower:
        """One more process, or the next after a restart."""
        remote, shared = RemoteVersions(self.objects), self.catalogue.shared_versions
        return VersionFollower(self.repository, self.folder, shared, remote, lambda: self.name)

    def version(self, version: int) -> Path:
        return self.repository / "keywording" / f"{version}"

    def files(self, version: int) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.version(version).iterdir()}

    def look_again(self) -> None:
        """A round of a process that has just started, which waits for nothing."""
        self.follower = self.process()
        self.follower.look()


@dataclass
class Pair:
    one: Host
    two: Host

    @property
    def objects(self) -> ObjectStore:
        return self.one.objects

    def look(self) -> None:
        for host in (self.one, self.two, self.one):
            host.look_again()


def both(folder: Path, url: str, store: str) -> Pair:
    hosts = [
        Host(name, folder / name, open_catalogue(url, 30), open_store(store))
        for name in ("one", "two")
    ]
    return Pair(*hosts)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = both(tmp_path, new_file(tmp_path), f"{tmp_path}/store")
    yield pair
    for host in (pair.one, pair.two):
        host.catalogue.close()


def age(store: Path) -> None:
    """Makes every object older than any publication that may be under way."""
    old = time.time() - GRACE_S - 60
    for path in store.rglob("*"):
        os.utime(path, (old, old))


def test_a_version_of_one_host_comes_to_the_other(
    catalogue_url: str, index_store: str, tmp_path: Path
) -> None:
    """With either database, and either kind of store."""
    pair = both(tmp_path, catalogue_url, index_store)
    (make(pair.one, 1) / "regions.onnx").write_bytes(b"what comes with --explain")
    pair.look()
    assert {*pair.two.files(1)} == {"contract.json", "labels.txt", "model.onnx", "regions.onnx"}
    assert pair.two.files(1) == pair.one.files(1)
    assert (pair.two.repository / "keywording" / "config.pbtxt").read_text() == "of two"
    make(pair.two, 2, b"another")
    pair.look()
    assert pair.one.files(2) == pair.two.files(2)
    for host in (pair.one, pair.two):
        assert (host.follower.trouble, host.follower.coming()) == ({}, {})
        assert [*host.follower.problems()] == []
        assert [*host.repository.rglob(f"{COMING}*")] == []
        host.catalogue.close()


def test_a_round_without_change_asks_the_store_for_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(pair.one, 1)
    pair.look()

    def asked(*_: object) -> None:
        raise AssertionError("the store was asked")

    for method in ("put", "read", "listed", "delete"):
        monkeypatch.setattr(type(pair.objects), method, asked)
    for host in (pair.one, pair.two):
        host.follower.look()
        host.look_again()
        assert host.follower.trouble == {}


def test_the_same_files_on_both_hosts_are_one_version(pair: Pair) -> None:
    for host in (pair.one, pair.two):
        make(host, 1)
    pair.look()
    assert [row.host for row in pair.one.catalogue.shared_versions.all()] == ["one"]
    assert pair.one.follower.trouble == pair.two.follower.trouble == {}


def test_other_files_under_the_same_number_are_refused_and_named(pair: Pair) -> None:
    make(pair.one, 1, b"a model")
    make(pair.two, 1, b"another model")
    pair.look()
    pair.two.look_again()
    assert pair.one.follower.trouble == {}
    [why] = pair.two.follower.trouble.values()
    assert "other files under this number than one has published for all hosts" in why
    assert pair.two.files(1)["model.onnx"] == b"another model"
    assert pair.one.files(1)["model.onnx"] == b"a model"
    [problem] = pair.two.follower.problems()
    assert problem == f"version 1: {why}"
    shutil.rmtree(pair.two.version(1))
    pair.two.look_again()
    assert pair.two.follower.trouble == {}
    assert pair.two.files(1) == pair.one.files(1)


def test_a_version_that_is_not_whole_is_published_when_it_is(pair: Pair) -> None:
    folder = make(pair.one, 1)
    (folder / "model.onnx").write_bytes(b"half of it")
    pair.look()
    assert "is not the model of its contract" in pair.one.follower.trouble[1]
    assert pair.one.catalogue.shared_versions.all() == []
    (folder / "model.onnx").write_bytes(b"a model")
    pair.one.follower.look()  # what has changed is looked at at once
    assert pair.one.follower.trouble == {}
    pair.two.look_again()
    assert pair.two.files(1)["model.onnx"] == b"a model"


@pytest.mark.parametrize("begins", [FILES, MANIFESTS])
def test_a_damaged_object_is_refused_and_named(pair: Pair, begins: str) -> None:
    make(pair.one, 1)
    pair.one.look_again()
    sizes = {each.bytes: name for name, each in pair.objects.listed(begins).items()}
    name = sizes[max(sizes)]
    whole = b"".join(pair.objects.read(name))
    pair.objects.put(name, whole[:-2] + b"!" + whole[-1:])
    pair.two.look_again()
    assert f"{name} in the index store is not what was published" in pair.two.follower.trouble[1]
    assert not pair.two.version(1).exists()
    [coming] = pair.two.follower.coming().values()
    assert coming.startswith("version 1, which one has published, is not here yet: ")
    assert name in coming
    assert len([*pair.one.follower.problems()]) == 1
    pair.objects.delete([name])
    pair.two.look_again()
    assert f"the index store lacks {name}" in pair.two.follower.trouble[1]
    pair.objects.put(name, whole)
    pair.two.look_again()
    assert pair.two.follower.trouble == {}
    assert pair.two.files(1) == pair.one.files(1)


class Killed(BaseException):
    """As if the process ended there."""


def test_a_host_that_is_killed_while_it_fetches_goes_on_from_there(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(pair.one, 1)
    pair.one.look_again()
    read, asked = type(pair.objects).read, list[str]()

    def dying(self: ObjectStore, name: str) -> Iterator[bytes]:
        asked.append(name)
        if len(asked) == 3:
            yield b"cut"
            raise Killed
        yield from read(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(type(pair.objects), "read", dying)
        with pytest.raises(Killed):
            pair.two.look_again()
    assert not pair.two.version(1).exists()
    again: list[str] = []

    def counting(self: ObjectStore, name: str) -> Iterator[bytes]:
        again.append(name)
        yield from read(self, name)

    monkeypatch.setattr(type(pair.objects), "read", counting)
    pair.two.look_again()
    assert {*again} & {*asked} == {asked[0], asked[2]}  # the manifest, and what was cut
    assert pair.two.files(1) == pair.one.files(1)


@pytest.mark.parametrize("where", [RETIRED, REJECTED])
def test_what_is_taken_out_on_one_host_is_put_away_on_the_other(pair: Pair, where: str) -> None:
    make(pair.one, 1)
    pair.look()
    put_away(pair.one.repository, 1, where)  # as the worker does
    pair.one.catalogue.shared_versions.take_out(1, where)
    pair.look()
    for host in (pair.one, pair.two):
        assert not host.version(1).exists()
        assert (host.repository / where / "1" / "model.onnx").read_bytes() == b"a model"
        assert host.follower.coming() == {}
    assert [*pair.one.follower.problems()] == []


def test_a_host_that_was_away_does_not_bring_back_what_was_taken_out(pair: Pair) -> None:
    make(pair.one, 1)
    pair.look()
    put_away(pair.one.repository, 1, RETIRED)
    pair.one.catalogue.shared_versions.take_out(1, RETIRED)
    pair.one.look_again()
    pair.two.look_again()
    pair.one.look_again()
    assert not pair.one.version(1).exists()
    assert (pair.two.repository / RETIRED / "1").exists()


def test_a_version_that_a_person_puts_back_is_one_of_all_hosts_again(pair: Pair) -> None:
    make(pair.one, 1)
    pair.look()
    put_away(pair.one.repository, 1, RETIRED)
    pair.one.catalogue.shared_versions.take_out(1, RETIRED)
    pair.look()
    (pair.two.repository / RETIRED / "1").rename(pair.two.version(1))
    pair.two.look_again()
    pair.one.look_again()
    assert pair.one.files(1) == pair.two.files(1)
    [row] = pair.one.catalogue.shared_versions.all()
    assert (row.host, row.moved_to) == ("two", None)


def test_a_number_that_was_taken_out_may_be_given_to_another_version(pair: Pair) -> None:
    make(pair.one, 1)
    pair.look()
    put_away(pair.one.repository, 1, REJECTED)
    pair.one.catalogue.shared_versions.take_out(1, REJECTED)
    make(pair.one, 1, b"mended")
    pair.one.look_again()
    pair.two.look_again()
    assert pair.two.follower.trouble == {}  # it had the old one as all hosts had it
    assert pair.two.files(1)["model.onnx"] == b"mended"
    assert (pair.two.repository / RETIRED / "1" / "model.onnx").read_bytes() == b"a model"


def test_a_version_that_was_exported_over_another_is_refused_and_named(pair: Pair) -> None:
    make(pair.one, 1)
    pair.look()
    make(pair.two, 1, b"exported with --force")
    pair.look()
    assert "other files under this number than one" in pair.two.follower.trouble[1]
    assert pair.one.files(1)["model.onnx"] == b"a model"


def test_the_store_is_rid_of_what_was_taken_out_an_hour_ago(pair: Pair, tmp_path: Path) -> None:
    make(pair.one, 1)
    make(pair.one, 2, b"another")
    pair.look()
    pair.objects.put("files/of-the-index", b"which is for others to sweep")
    pair.one.catalogue.shared_versions.take_out(1, RETIRED)
    pair.one.follower.sweep()
    assert len(pair.objects.listed(MANIFESTS)) == 2
    age(tmp_path / "store")
    pair.one.follower.sweep()
    assert [*pair.one.follower.problems()] == []
    assert [name[:15] for name in pair.objects.listed(MANIFESTS)] == [f"{MANIFESTS}000002"]
    named = {hashlib.sha256(content).hexdigest() for content in pair.one.files(2).values()}
    assert {*pair.objects.listed(FILES)} == {f"{FILES}{sha256}" for sha256 in named}
    assert {*pair.objects.listed("files/")} == {"files/of-the-index"}


def test_a_restored_catalogue_takes_no_version_from_anybody(pair: Pair) -> None:
    make(pair.one, 1)
    pair.look()
    pair.one.catalogue.shared_versions.forget()  # as it is in a copy
    pair.look()
    assert pair.one.files(1) == pair.two.files(1)
    assert [row.host for row in pair.one.catalogue.shared_versions.all()] == ["one"]


def test_one_process_of_a_host_works_at_a_time(pair: Pair) -> None:
    make(pair.one, 1)
    with locked(pair.one.folder / LOCK, wait=True):
        pair.one.look_again()
        assert pair.one.catalogue.shared_versions.all() == []
    pair.one.follower.look()
    assert len(pair.one.catalogue.shared_versions.all()) == 1
