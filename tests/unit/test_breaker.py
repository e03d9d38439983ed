"""A store that is away costs one caller its patience: the others go on at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sidecar.errors import PicturesStoreUnavailable
from sidecar.objects import PICTURES, Breaker
from sidecar.objects.folder import FolderStore

AT_ONCE = 8


class Faulty(FolderStore):
    """A folder that hangs, or refuses, as it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, PICTURES)
        self.hangs: threading.Event | None = None
        self.reads_refused = self.writes_refused = False
        self.asked = 0

    def begins(self, name: str, length: int) -> bytes:
        self.asked += 1
        if self.hangs is not None:
            self.hangs.wait()
        if self.reads_refused:
            raise PicturesStoreUnavailable("PICTURES_STORE: no answer")
        return super().begins(name, length)

    def put(self, name: str, content: Path | bytes, passed: object = None) -> None:
        if self.writes_refused:
            raise PicturesStoreUnavailable("PICTURES_STORE: it is full")
        super().put(name, content)


@pytest.fixture
def store(tmp_path: Path) -> Faulty:
    store = Faulty(tmp_path)
    store.put("there", b"content")
    return store


@pytest.fixture
def breaker(store: Faulty) -> Breaker:
    return Breaker(store, PICTURES)


def fail(breaker: Breaker) -> str:
    with pytest.raises(PicturesStoreUnavailable) as caught:
        breaker.begins("there", 7)
    return str(caught.value)


def test_while_one_tries_the_others_are_refused_and_ask_nothing(
    store: Faulty, breaker: Breaker
) -> None:
    store.reads_refused = True
    assert fail(breaker) == "PICTURES_STORE: no answer"
    store.hangs, store.asked = threading.Event(), 0
    with ThreadPoolExecutor(AT_ONCE) as threads:
        trying = threads.submit(fail, breaker)
        others = [threads.submit(fail, breaker) for _ in range(AT_ONCE - 1)]
        assert {each.result(30) for each in others} == {"PICTURES_STORE: no answer"}
        assert (store.asked, trying.done()) == (1, False)
        store.hangs.set()
    assert trying.result() == breaker.trouble


def test_when_the_one_who_tries_finds_it_back_those_who_wait_go_on_side_by_side(
    store: Faulty, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.objects.breaker.TURN_S", 30)
    store.reads_refused = True
    fail(breaker)
    store.reads_refused = False
    together = threading.Barrier(AT_ONCE)

    def ask() -> bytes:
        together.wait(30)
        return breaker.begins("there", 7)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = [each.result(30) for each in [threads.submit(ask) for _ in range(AT_ONCE)]]
    assert found == [b"content"] * AT_ONCE
    assert breaker.trouble is None


def test_an_object_that_is_missing_is_an_answer(store: Faulty, breaker: Breaker) -> None:
    store.reads_refused = True
    fail(breaker)
    store.reads_refused = False
    with pytest.raises(FileNotFoundError):
        breaker.begins("none", 1)
    with pytest.raises(FileNotFoundError):
        b"".join(breaker.read("none"))
    assert breaker.trouble is None


def test_a_full_store_is_read_all_the_same(store: Faulty, breaker: Breaker) -> None:
    store.writes_refused = True
    with pytest.raises(PicturesStoreUnavailable, match="full"):
        breaker.put("new", b"content")
    assert breaker.begins("there", 7) == b"content"
    assert breaker.trouble == "PICTURES_STORE: it is full"


def test_a_look_sees_that_it_is_away_and_that_it_is_back(store: Faulty, breaker: Breaker) -> None:
    breaker.look("look")
    assert [path.name for path in store.folder.iterdir()] == ["there"]
    store.reads_refused = True
    with pytest.raises(PicturesStoreUnavailable):
        breaker.look("look")
    assert breaker.trouble is not None
    store.reads_refused = False
    breaker.look("look")
    assert breaker.trouble is None

    store.writes_refused = True
    for _ in range(2):  # a read that goes well says nothing of writes
        with pytest.raises(PicturesStoreUnavailable):
            breaker.put("new", b"content")
        with pytest.raises(PicturesStoreUnavailable):
            breaker.look("look")
    store.writes_refused = False
    breaker.look("look")
    assert breaker.trouble is None
