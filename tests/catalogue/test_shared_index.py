"""Two hosts, each with a folder of its own, share an index by a catalogue and an object store."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.catalogue import Reader, TaskState
from sidecar.errors import IndexDamaged, IndexStoreUnavailable, NoIndex, TaskLost
from sidecar.index import GenerationStore, Lineage
from sidecar.index.meta import META
from sidecar.index.sharing.fetching import fetch
from sidecar.index.sharing.follower import Follower
from sidecar.index.sharing.remote import FILES, GRACE_S, MANIFESTS, Remote
from sidecar.objects import ObjectStore, open_store
from sidecar.operations.backup import Backups
from sidecar.operations.repair import repair
from sidecar.operations.shared_index import hand_over
from tests.support.databases import new_file
from tests.support.house import House

IMAGES = 1100


@dataclass
class Pair:
    """A host that trains and one that only searches."""

    trains: House
    searches: House
    store: str

    @property
    def follower(self) -> Follower:
        assert self.searches.sharing is not None
        return self.searches.sharing.follower

    @property
    def url(self) -> str:
        return self.trains.catalogue.database.url

    @property
    def objects(self) -> ObjectStore:
        return open_store(self.store)

    def close(self) -> None:
        for host in (self.trains, self.searches):
            host.catalogue.close()

    def run(self, kind: str) -> int:
        """A task on the host that trains, which the other then follows."""
        number = self.train(kind)
        self.follower.look()
        return number

    def train(self, kind: str) -> int:
        assert self.trains.sharing is not None
        self.trains.sharing.follower.catch_up()
        number = self.trains.run(kind).generation
        assert number is not None
        return number


def both(folder: Path, url: str, store: str) -> Pair:
    """Two hosts, with their folders in one."""
    one, two = (House(folder / name, url, store=store) for name in ("one", "two"))
    return Pair(one, two, store)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a host that has published its first training, in a folder of objects."""
    folder = tmp_path_factory.mktemp("shared")
    house = House(folder / "one", new_file(folder), store=f"{folder}/store")
    house.add(1, IMAGES)
    assert house.run("train").generation == 1
    house.catalogue.close()
    return folder


@pytest.fixture
def pair(trained: Path, tmp_path: Path) -> Iterator[Pair]:
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    store, url = f"{tmp_path}/store", new_file(tmp_path)
    pair = both(tmp_path, url, store)
    yield pair
    pair.close()


def inodes(house: House, number: int) -> dict[str, int]:
    """The inode of each file of a generation."""
    folder = house.generations.path(number)
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


def spoil(path: Path) -> None:
    """Changes one byte of a file, which may be linked or mapped elsewhere, in a copy of it."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.write_bytes(content)


def age(store: str) -> None:
    """Makes every object older than any publication that may be under way."""
    old = time.time() - GRACE_S - 60
    for path in Path(store).rglob("*"):
        os.utime(path, (old, old))


# -- a generation reaches the other host


def test_what_one_host_trains_the_other_searches(
    catalogue_url: str, index_store: str, tmp_path: Path
) -> None:
    """With either database, and either kind of store."""
    pair = both(tmp_path, catalogue_url, index_store)
    pair.trains.add(1, IMAGES)
    with pytest.raises(NoIndex):
        pair.searches.nearest(7)
    assert pair.run("train") == 1
    assert pair.searches.nearest(7) == pair.trains.nearest(7)
    pair.trains.add(2000, 2010)
    pair.trains.remove(5)
    assert pair.run("update") == 2
    assert pair.searches.nearest(2003) == pair.trains.nearest(2003)
    assert pair.searches.generations.current().number == 2
    assert pair.searches.problems() == pair.trains.problems() == []
    pair.close()


def test_a_host_links_what_it_has_and_fetches_the_rest(pair: Pair) -> None:
    pair.follower.look()
    before = inodes(pair.searches, 1)
    pair.trains.add(2000, 2010)
    pair.run("update")
    after = inodes(pair.searches, 2)
    linked = {name for name in after if before.get(name) == after[name]}
    segments = {name for name in after if name.startswith("features-")}
    assert len(segments) == 2
    assert linked & segments == {"features-1.f16"}
    assert not linked & {"lists.ivf", "seqs.i64", META}


def test_publishing_writes_only_what_the_store_lacks(pair: Pair) -> None:
    before = {name: Path(pair.store, name).stat() for name in pair.objects.listed(FILES)}
    pair.trains.add(2000, 2010)
    pair.train("update")
    after = {name: Path(pair.store, name).stat() for name in pair.objects.listed(FILES)}
    assert {name: after[name].st_ino for name in before} == {
        name: each.st_ino for name, each in before.items()
    }
    new = sum(each.st_size for name, each in after.items() if name not in before)
    there = {path.name: path.stat().st_size for path in pair.trains.generations.path(2).iterdir()}
    assert 0 < new <= sum(there.values()) - there["features-1.f16"]


def test_an_update_of_nothing_publishes_what_was_there_before_the_store(tmp_path: Path) -> None:
    url = new_file(tmp_path)
    alone = House(tmp_path / "one", url)
    alone.add(1, IMAGES)
    assert alone.run("train").generation == 1
    alone.catalogue.close()
    pair = both(tmp_path, url, f"{tmp_path}/store")
    assert pair.run("update") == 2
    assert pair.run("update") == 2
    for host in (pair.trains, pair.searches):
        assert host.generations.current().number == 2
    assert pair.searches.nearest(7) == pair.trains.nearest(7)
    pair.close()


def test_a_host_that_is_behind_answers_by_what_it_has_without_what_was_removed(pair: Pair) -> None:
    pair.follower.look()
    nearest = pair.searches.nearest(7)
    pair.trains.catalogue.readers.note(Reader("p", "two", generation=1))
    pair.trains.remove(int(nearest[0]))
    for number in range(2000, 2003):  # more generations than are kept
        pair.trains.add(number, number)
        pair.train("update")
    assert pair.searches.generations.current_number() == 1
    assert pair.searches.nearest(7)[:9] == nearest[1:]
    assert [row.number for row in pair.trains.catalogue.generations.all()] == [1, 3, 4]
    pair.follower.look()
    assert pair.searches.generations.current().number == 4
    assert pair.searches.nearest(7)[:9] == nearest[1:]


def test_a_draft_is_there_before_it_is_published(pair: Pair) -> None:
    pair.follower.look()
    pair.trains.add(2000, 2010)
    task, trainer = pair.trains.claim("update"), pair.trains.trainer
    sealed = trainer.draft_update(task, pair.trains.generations.current(), quiet)
    trainer.offer(task, sealed, quiet)
    pair.follower.look()
    upcoming = pair.searches.generations.upcoming()
    assert upcoming is not None
    assert upcoming.digest == trainer.publisher.offered
    assert pair.searches.generations.current().number == 1
    with pair.trains.catalogue.tasks.publishing(task) as publication:
        assert trainer.publish(publication.transaction, sealed) == 2
    pair.follower.look()
    now = pair.searches.generations.current()
    assert (now.number, now.searchable) == (2, upcoming.searchable)  # open as it was
    assert [path.name for path in pair.searches.generations.folder.glob(".*")] == []


def test_a_draft_that_is_still_on_its_way_to_the_store_is_no_trouble(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is announced before its first object is there; a large one is under way for minutes."""
    pair.follower.look()
    pair.trains.add(2000, 2010)
    task, trainer = pair.trains.claim("update"), pair.trains.trainer
    sealed = trainer.draft_update(task, pair.trains.generations.current(), quiet)
    looks = []

    def before_each(*_: object) -> None:
        pair.follower.look()
        looks.append(pair.searches.generations.upcoming())

    trainer.offer(task, sealed, before_each)
    assert pair.follower.trouble is None
    assert {*looks} == {None}
    now = time.monotonic() + 5.0
    monkeypatch.setattr("sidecar.index.sharing.follower.time.monotonic", lambda: now)
    pair.follower.look()
    upcoming = pair.searches.generations.upcoming()
    assert upcoming is not None
    assert upcoming.digest == trainer.publisher.offered


def quiet(*_: object) -> None:
    """No progress."""


# -- what goes wrong on the way


@pytest.mark.parametrize("begins", [FILES, MANIFESTS])
def test_a_damaged_object_is_refused_and_the_host_keeps_what_it_has(
    pair: Pair, begins: str
) -> None:
    pair.follower.look()
    pair.trains.add(2000, 2010)
    before = {*pair.objects.listed(begins)}
    pair.train("update")
    [damaged, *_] = sorted({*pair.objects.listed(begins)} - before)
    whole = (Path(pair.store) / damaged).read_bytes()
    spoil(Path(pair.store) / damaged)
    with pytest.raises(IndexDamaged, match=f"{damaged} in the index store is not what"):
        pair.follower.look()
    assert pair.follower.trouble is not None
    assert pair.searches.generations.current().number == 1
    assert any(damaged in problem for problem in pair.searches.problems())
    pair.objects.put(damaged, whole)
    pair.follower.catch_up()
    assert pair.searches.generations.current().number == 2
    assert not pair.follower.trouble


def test_a_missing_object_is_named(pair: Pair) -> None:
    name = next(iter(pair.objects.listed(FILES)))
    pair.objects.delete([name])
    with pytest.raises(IndexDamaged, match=f"lacks {name}"):
        pair.follower.look()
    assert [problem for problem in pair.searches.problems() if "is missing" in problem]


def test_a_store_that_was_away_for_long_is_asked_again_within_seconds_of_its_return(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.follower.look()
    pair.trains.add(2000, 2010)
    pair.train("update")
    Path(pair.store).rename(f"{pair.store}-away")
    Path(pair.store).touch()
    now = time.monotonic()
    monkeypatch.setattr("sidecar.index.sharing.follower.time.monotonic", lambda: now)
    for _ in range(600):
        with suppress(IndexStoreUnavailable):
            pair.follower.look()
        now += 1.0
    Path(pair.store).unlink()
    Path(f"{pair.store}-away").rename(pair.store)
    now += 5.0
    pair.follower.look()
    assert pair.searches.generations.current().number == 2


def test_a_store_that_is_away_changes_nothing_and_is_asked_less_and_less_often(
    pair: Pair,
) -> None:
    pair.follower.look()
    pair.trains.add(2000, 2010)
    pair.train("update")
    Path(pair.store).rename(f"{pair.store}-away")
    Path(pair.store).touch()
    with pytest.raises(IndexStoreUnavailable):
        pair.follower.look()
    pair.follower.look()  # not asked: it waits a second
    assert pair.searches.generations.current().number == 1
    Path(pair.store).unlink()
    Path(f"{pair.store}-away").rename(pair.store)
    pair.follower.catch_up()
    assert pair.searches.generations.current().number == 2


class Killed(BaseException):
    """As if the process ended there."""


def test_a_host_that_is_killed_while_it_fetches_goes_on_from_there(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, read = pair.objects, type(pair.objects).read
    fetched: list[str] = []

    def dying(self: ObjectStore, name: str) -> Iterator[bytes]:
        fetched.append(name)
        if len(fetched) == 4:
            yield b"cut"
            raise Killed
        yield from read(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(type(opened), "read", dying)
        with pytest.raises(Killed):
            pair.follower.look()
    assert pair.searches.generations.numbers() == []
    again: list[str] = []

    def counting(self: ObjectStore, name: str) -> Iterator[bytes]:
        again.append(name)
        yield from read(self, name)

    monkeypatch.setattr(type(opened), "read", counting)
    pair.follower.look()
    assert pair.searches.generations.current().number == 1
    assert {*again} & {*fetched} == {fetched[0], fetched[3]}  # the manifest, and what was cut
    assert pair.searches.problems() == []


def test_one_process_of_a_host_fetches(pair: Pair) -> None:
    """The other one finds all of it there."""
    began, go_on = threading.Event(), threading.Event()
    rows = pair.searches.catalogue.generations

    class Slow(Remote):
        def manifest(self, row):  # type: ignore[no-untyped-def]
            began.set()
            assert go_on.wait(60)
            return super().manifest(row)

    slow = Follower(pair.searches.generations, rows, Slow(pair.objects))
    other = Follower(GenerationStore(pair.searches.generations.folder), rows, Remote(pair.objects))
    fetching = threading.Thread(target=slow.look)
    fetching.start()
    assert began.wait(60)
    other.look()
    assert pair.searches.generations.numbers() == []
    go_on.set()
    fetching.join()
    before = inodes(pair.searches, 1)
    other.look()
    assert inodes(pair.searches, 1) == before
    assert pair.searches.generations.current().number == 1


def test_a_manifest_can_name_no_file_outside_its_folder(pair: Pair, tmp_path: Path) -> None:
    [row] = pair.searches.catalogue.generations.all()

    class Evil(Remote):
        def manifest(self, row):  # type: ignore[no-untyped-def]
            return super().manifest(row).replace(b'"seqs.i64"', b'"../evil.i64"')

    # The text has a SHA-256 of itself, too: that alone would do.
    with pytest.raises((IndexDamaged, ValueError)):
        fetch(Evil(pair.objects), row, tmp_path / "fetched", {})
    assert not (tmp_path / "evil.i64").exists()


@pytest.mark.parametrize("file", ["lists.ivf", "features-1.f16", META])
def test_a_host_fetches_again_what_is_damaged_there(
    pair: Pair, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.follower.look()
    pair.trains.add(2000, 2010)
    pair.run("update")
    whole = pair.searches.nearest(7)
    spoil(pair.searches.generations.path(2) / file)
    again = House(pair.searches.generations.folder.parent, pair.url, store=pair.store)
    assert again.sharing is not None
    if file == "features-1.f16":  # whose damage is met by a search, not when it is opened
        generation = again.generations.current()
        again.generations.condemn(generation, IndexDamaged("row 5 is not what was stored"))
    assert again.generations.current().number == 1
    read, fetched = type(pair.objects).read, list[str]()

    def counting(self: ObjectStore, name: str) -> Iterator[bytes]:
        fetched.append(name)
        yield from read(self, name)

    monkeypatch.setattr(type(pair.objects), "read", counting)
    again.sharing.follower.look()
    assert again.generations.current().number == 2
    others = len(inodes(again, 2)) - 3  # itself, and what is linked
    assert len(fetched) <= (others if file == META else 2)  # the manifest, and one file
    assert again.nearest(7) == whole
    assert [*again.generations.current().damage()] == []
    again.catalogue.close()


# -- who publishes


def test_an_attempt_that_has_lost_its_task_takes_nothing_from_its_successor(pair: Pair) -> None:
    catalogue = pair.trains.catalogue
    pair.trains.add(2000, 2010)
    task = pair.trains.claim("update")
    first = House(pair.trains.generations.folder.parent, catalogue.database.url, store=pair.store)
    sealed = first.trainer.draft_update(task, first.generations.current(), quiet)
    first.trainer.offer(task, sealed, quiet)
    catalogue.tasks.release(task.task_id)
    pair.trains.catalogue.tasks.deliverable()
    second = catalogue.tasks.claim(task.task_id)
    assert second is not None
    again = pair.trains.trainer.draft_update(second, pair.trains.generations.current(), quiet)
    pair.trains.trainer.offer(second, again, quiet)
    with (
        pytest.raises(TaskLost),
        first.trainer.drafting(task),
        catalogue.tasks.publishing(task) as publication,
    ):
        first.trainer.publish(publication.transaction, sealed)
    with catalogue.tasks.publishing(second) as publication:
        number = pair.trains.trainer.publish(publication.transaction, again)
        publication.record(None, number, again.meta.images)
    pair.follower.look()
    assert pair.searches.generations.current().digest == pair.trains.trainer.publisher.offered
    first.catalogue.close()


def test_a_task_that_fails_gives_its_draft_up(pair: Pair) -> None:
    pair.follower.look()
    pair.trains.add(2000, 2010)
    task, trainer = pair.trains.claim("update"), pair.trains.trainer
    with pytest.raises(RuntimeError), trainer.drafting(task):
        sealed = trainer.draft_update(task, pair.trains.generations.current(), quiet)
        trainer.offer(task, sealed, quiet)
        pair.follower.look()
        raise RuntimeError("out of luck")
    pair.follower.look()
    assert [row.number for row in pair.trains.catalogue.generations.all()] == [1]
    assert pair.searches.generations.upcoming() is None
    assert pair.searches.generations.current().number == 1


# -- what leaves the store


def test_the_store_is_rid_of_what_no_generation_names(pair: Pair) -> None:
    pair.objects.put(f"{FILES}stray", b"of a publication that was killed")
    for number in (2000, 2001, 2002):
        pair.trains.add(number, number)
        age(pair.store)
        pair.train("update")
    pair.objects.put(f"{FILES}young", b"of one that runs")
    age(pair.store)
    (Path(pair.store) / FILES / "young").touch()
    pair.trains.trainer.publisher.tidy()
    rows = pair.trains.catalogue.generations.all()
    remote = Remote(pair.objects)
    files = {f"{FILES}{sha256}" for sha256 in remote.named(rows)}
    assert [row.number for row in rows] == [3, 4]
    assert {*pair.objects.listed(FILES)} == files | {f"{FILES}young"}
    assert len(pair.objects.listed(MANIFESTS)) == 2
    assert pair.trains.problems() == []


def test_nothing_is_swept_while_another_publication_begins(pair: Pair) -> None:
    pair.objects.put(f"{FILES}stray", b"which it may be about to use")
    age(pair.store)
    rows = pair.trains.catalogue.generations.all()
    assert Remote(pair.objects).sweep(rows, lambda: False) == 0
    assert f"{FILES}stray" in pair.objects.listed(FILES)


def test_nothing_is_swept_where_a_manifest_cannot_be_read(pair: Pair) -> None:
    [manifest] = pair.objects.listed(MANIFESTS)
    before = {*pair.objects.listed(FILES)}
    pair.objects.delete([manifest])
    age(pair.store)
    with pytest.raises(IndexDamaged):
        pair.trains.trainer.publisher.tidy()
    assert {*pair.objects.listed(FILES)} == before


# -- the commands beside the service


def test_a_backup_is_restored_for_all_hosts(pair: Pair, tmp_path: Path) -> None:
    pair.follower.look()
    Backups(pair.searches.catalogue, pair.searches.generations).backup(tmp_path / "copy", print)
    url, store = new_file(tmp_path / "other"), f"{tmp_path}/other/store"
    other = both(tmp_path / "other", url, store)
    restored = other.trains
    assert restored.catalogue.generations.all() == []
    Backups(restored.catalogue, restored.generations).restore(tmp_path / "copy", print)
    assert restored.sharing is not None
    hand_over(restored.catalogue, restored.generations, restored.sharing)
    other.follower.look()
    assert other.searches.nearest(7) == pair.searches.nearest(7)
    assert other.searches.problems() == other.trains.problems() == []
    other.close()


def test_a_repair_reaches_all_hosts_and_so_does_the_end_of_an_index(pair: Pair) -> None:
    pair.follower.look()
    trains = pair.trains
    task = repair(trains.catalogue, trains.generations, trains.trainer.rules, trains.sharing)
    assert task is not None
    assert (task.state, task.generation) == (TaskState.OK, 2)
    pair.follower.look()
    assert [host.generations.numbers() for host in (trains, pair.searches)] == [[2], [2]]
    trains.remove(*range(1, IMAGES + 1))
    repair(trains.catalogue, trains.generations, trains.trainer.rules, trains.sharing)
    pair.follower.look()
    assert [host.generations.numbers() for host in (trains, pair.searches)] == [[], []]
    with pytest.raises(NoIndex):
        pair.searches.generations.current()
    trains.add(3000, 3000 + IMAGES)
    assert pair.run("train") == 4  # 3 said that there was none


def test_a_catalogue_that_went_back_takes_the_index_with_it(pair: Pair, tmp_path: Path) -> None:
    """An older copy of it: the same numbers come to mean other generations."""
    file = Path(pair.trains.catalogue.database.url.removeprefix("sqlite:///"))
    pair.close()
    shutil.copyfile(file, tmp_path / "older")
    pair = both(tmp_path, f"sqlite:///{file}", pair.store)
    pair.trains.add(2000, 2010)
    assert pair.run("update") == 2
    pair.close()
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    (tmp_path / "older").replace(file)
    pair = both(tmp_path, f"sqlite:///{file}", pair.store)
    pair.follower.look()
    assert pair.searches.generations.current().number == 1
    pair.trains.add(3000, 3010)
    assert pair.run("update") == 3
    assert pair.searches.nearest(3004) == pair.trains.nearest(3004)
    assert pair.searches.generations.numbers() == pair.trains.generations.numbers() == [1, 3]
    pair.close()


def test_marks_of_what_a_slow_host_searches_stay(pair: Pair) -> None:
    pair.follower.look()
    catalogue = pair.trains.catalogue
    catalogue.readers.note(Reader("p", "two", generation=1))
    mark = pair.searches.generations.current().meta.mark
    for number in range(2000, 2003):
        pair.trains.add(number, number)
        pair.train("update")
    assert mark is not None
    assert Lineage(catalogue.marks).fits(pair.searches.generations.current().meta)
    catalogue.readers.gone("p")
    pair.trains.add(2003, 2003)
    pair.train("update")
    pair.trains.add(2004, 2004)
    pair.train("update")
    assert not catalogue.marks.has(mark)


def test_the_manifest_is_the_meta_of_the_generation(pair: Pair) -> None:
    [name] = pair.objects.listed(MANIFESTS)
    text = b"".join(pair.objects.read(name))
    assert text == (pair.trains.generations.path(1) / META).read_bytes()
