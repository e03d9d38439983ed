"""Objects in a folder and in a bucket: the same is true of both."""

import hashlib
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar import objects
from sidecar.errors import IndexStoreUnavailable, SettingsError
from sidecar.objects import INDEX, ObjectStore, open_store
from sidecar.objects.s3_errors import explained
from sidecar.settings import from_environment

STEP, PAUSE_S = 1 << 16, 0.1  # that a slow line takes at once, and how long it then rests
LARGE = bytes(range(256)) * 140_000  # 36 MB: several parts


@pytest.fixture
def store(index_store: str) -> ObjectStore:
    return open_store(index_store)


def content(store: ObjectStore, name: str) -> bytes:
    return b"".join(store.read(name))


@pytest.mark.parametrize("written", [b"", b"x", b"two lines\nof it"])
def test_an_object_is_read_as_it_was_written(store: ObjectStore, written: bytes) -> None:
    store.put("files/ab12", written)
    assert content(store, "files/ab12") == written


def test_the_beginning_of_an_object_is_read_alone(store: ObjectStore) -> None:
    store.put("files/ab12", b"the beginning and the end")
    assert store.begins("files/ab12", 13) == b"the beginning"
    assert store.begins("files/ab12", 1000) == b"the beginning and the end"
    with pytest.raises(FileNotFoundError):
        store.begins("files/never", 13)


def test_a_large_file_arrives_whole(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    store.put("files/large", tmp_path / "large")
    found = content(store, "files/large")
    assert hashlib.sha256(found).digest() == hashlib.sha256(LARGE).digest()
    assert store.listed("files/")["files/large"].bytes == len(LARGE)


def test_an_object_of_the_same_name_takes_the_place_of_another(store: ObjectStore) -> None:
    store.put("files/a", b"before")
    store.put("files/a", b"after it")
    assert content(store, "files/a") == b"after it"
    assert store.listed("files/")["files/a"].bytes == 8


def test_a_listing_has_what_lies_under_a_prefix_with_size_and_time(store: ObjectStore) -> None:
    for name in ("files/a", "files/b", "generations/a", "files-too/c"):
        store.put(name, name.encode())
    found = store.listed("files/")
    assert {name: each.bytes for name, each in found.items()} == {"files/a": 7, "files/b": 7}
    assert all(abs(time.time() - each.modified_at) < 60 for each in found.values())
    assert store.listed("nothing/") == {}


def test_a_store_is_empty_until_there_is_an_object(store: ObjectStore) -> None:
    assert store.is_empty()
    store.put("some/where/a", b"a")
    assert not store.is_empty()
    store.delete(["some/where/a"])
    assert store.is_empty()


def test_who_writes_a_file_is_shown_what_has_gone(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(LARGE)
    passed: list[bytes] = []
    store.put("files/large", tmp_path / "large", passed.append)
    assert b"".join(passed) == LARGE


def test_what_is_deleted_is_gone_and_what_is_gone_is_no_error(store: ObjectStore) -> None:
    store.put("files/a", b"a")
    store.put("files/b", b"b")
    store.delete(["files/a", "files/never"])
    assert {*store.listed("files/")} == {"files/b"}
    with pytest.raises(FileNotFoundError):
        content(store, "files/a")


def test_what_is_written_half_is_not_there(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/a store".replace(" ", "%20"))
    store.put("files/a", b"a")
    (tmp_path / "a store" / "files" / ".coming-1").write_bytes(b"cut off")
    assert {*store.listed("files/")} == {"files/a"}


def test_a_store_that_is_away_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.objects.s3.TRIES", 0)
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b")):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    (tmp_path / "file").touch()
    for away in ("s3://index/generations", f"{tmp_path}/file/store"):
        with pytest.raises(IndexStoreUnavailable, match=r"^INDEX_STORE") as caught:
            open_store(away).put("files/a", b"a")
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500


class Slow(http.server.BaseHTTPRequestHandler):
    """Takes what it is sent in steps, or says nothing at all."""

    def do_PUT(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, STEP)))
            time.sleep(PAUSE_S)
        self.send_response(200)
        self.send_header("ETag", "any")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.rfile.read()  # until the client gives up

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of S3 at the end of a slow line."""
    monkeypatch.setattr("sidecar.objects.s3.TRIES", 0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            monkeypatch.setenv(f"AWS_{name}", "any")
        yield
        server.shutdown()


def test_a_write_over_a_slow_line_is_no_silence(slow: None) -> None:
    use = replace(INDEX, silence_s=4 * PAUSE_S, writing_s=60)
    open_store("s3://index", use).put("files/a", bytes(20 * STEP))


def test_a_store_that_is_silent_is_given_up(slow: None) -> None:
    store = open_store("s3://index", replace(INDEX, silence_s=0.2, writing_s=0.5))
    for act in (
        lambda: store.put("files/a", bytes(20 * STEP)),
        lambda: store.begins("files/a", 1),
        lambda: b"".join(store.read("files/a")),
    ):
        with pytest.raises(IndexStoreUnavailable, match=r"^INDEX_STORE"):
            act()


def test_a_machine_without_credentials_is_told_which() -> None:
    """Where none are set, the library asks Amazon's own machines for some."""
    text = (
        "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 127ms, "
        "after 0 retries - HTTP error: error sending request\n\nDebug source: Generic {"
    )
    assert explained(text, "us-east-1") == (
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )


def test_what_is_not_known_is_quoted_in_one_line() -> None:
    text = "Generic S3 error: 503 Slow\n Down\n\nDebug source: Generic {"
    assert explained(text, "us-east-1") == "Generic S3 error: 503 Slow Down"


@pytest.mark.parametrize("url", ["s3://", "index", "http://index", "./store"])
def test_a_setting_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="INDEX_STORE"):
        from_environment(index_store=url)


def test_a_bucket_needs_its_library_and_a_folder_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.objects.opening.find_spec", lambda _: None)
    objects.check("/a/folder")
    objects.check("")
    with pytest.raises(SettingsError, match=r"similarity\[s3\]"):
        objects.check("s3://index")
