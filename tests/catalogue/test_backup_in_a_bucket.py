"""Backups in a bucket: as whole, and as well guarded, as those in a folder."""

import http.server
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.errors import BackupRefused, StorageFull
from sidecar.files import sha256_of
from sidecar.objects import ObjectStore, open_store
from sidecar.operations.backup import Backups
from sidecar.operations.remote_backup import MANIFEST, RemoteBackups
from sidecar.operations.scratch import PREFIX, scratch
from tests.support.house import House
from tests.support.maintenance import command

CODES = "index/000001/lists.ivf"


def build(house: House) -> None:
    """1,000 images indexed, of which one was removed, and ten more."""
    house.add(1, 1000)
    house.run("train")
    house.remove(3)
    house.add(1001, 1010)


def quiet(_what: str, _done: int) -> None:
    """No progress."""


@pytest.fixture
def server(s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The settings of the S3 server, which are those of this process, too."""
    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INDEX_STORE", "")  # the index itself stays on one host
    monkeypatch.setattr("sidecar.objects.s3.TRIES", 0)
    return s3_server


@pytest.fixture
def place(server: dict[str, str]) -> str:
    """An empty prefix of a bucket."""
    return f"{server['INDEX_STORE']}/{uuid.uuid4().hex}"


def remote(house: House, folder: Path) -> RemoteBackups:
    return RemoteBackups(Backups(house.catalogue, house.generations), folder, quiet)


def back_up(house: House, folder: Path, place: str) -> ObjectStore:
    """Makes a backup, and returns the store that it is in."""
    assert remote(house, folder).backup(place, quiet).images == house.catalogue.images.count()
    return open_store(place)


@contextmanager
def new(folder: Path) -> Iterator[House]:
    (folder / "new").mkdir()
    house = House(folder / "new")
    yield house
    house.catalogue.close()


def refused(house: House, place: str) -> str:
    """Why a backup is not restored; nothing of it was."""
    folder = house.generations.folder.parent
    with pytest.raises(BackupRefused) as caught:
        remote(house, folder).restore(place, quiet)
    assert "\n" not in str(caught.value)
    assert house.catalogue.images.count() == 0
    assert house.generations.numbers() == []
    assert [*folder.glob(f"{PREFIX}*")] == []
    return str(caught.value)


def test_a_backup_in_a_bucket_is_restored_as_it_was(
    house: House, tmp_path: Path, place: str
) -> None:
    seen: dict[str, int] = {}
    sending = RemoteBackups(Backups(house.catalogue, house.generations), tmp_path, seen.__setitem__)
    sending.backup(place, quiet)
    assert seen[CODES] == (house.generations.path(1) / "lists.ivf").stat().st_size
    house.add(2000, 2000)  # later than the backup
    with new(tmp_path) as restored:
        remote(restored, tmp_path / "new").restore(place, quiet)
        assert restored.problems() == []
        assert restored.catalogue.images.page(0, 5000) == house.catalogue.images.page(0, 1009)
        assert restored.nearest(7) == house.nearest(7)
        assert restored.generations.current().number == 1
    assert [*tmp_path.glob(f"**/{PREFIX}*")] == []


def test_neither_a_bucket_nor_a_catalogue_is_ever_overwritten(
    house: House, tmp_path: Path, place: str
) -> None:
    store = back_up(house, tmp_path, place)
    before = store.listed("index/000001/")
    with pytest.raises(BackupRefused, match=r"is not empty, it holds a backup: name another"):
        remote(house, tmp_path).backup(place, quiet)
    assert store.listed("index/000001/") == before
    with pytest.raises(BackupRefused, match="holds images"):
        remote(house, tmp_path).restore(place, quiet)
    assert house.problems() == []


def test_a_backup_that_fails_half_way_leaves_nothing(
    house: House, tmp_path: Path, place: str
) -> None:
    def fails(name: str, _done: int) -> None:
        if name.startswith("index"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RemoteBackups(Backups(house.catalogue, house.generations), tmp_path, fails).backup(
            place, quiet
        )
    assert open_store(place).is_empty()
    assert [*tmp_path.glob(f"{PREFIX}*")] == []


def test_a_backup_that_was_cut_off_is_known_as_that(
    house: House, tmp_path: Path, place: str
) -> None:
    back_up(house, tmp_path, place).delete([MANIFEST])  # it is written last
    with new(tmp_path) as restored:
        assert "is no whole backup: it has no backup.json; it was cut off" in refused(
            restored, place
        )
        assert "is no backup: there is nothing" in refused(restored, f"{place}/nowhere")
    with pytest.raises(BackupRefused, match="is not empty; if it is a backup, it was cut off"):
        remote(house, tmp_path).backup(place, quiet)


@pytest.mark.parametrize("name", ["catalogue.sqlite", CODES])
def test_a_damaged_or_missing_object_is_refused_and_named(
    house: House, tmp_path: Path, place: str, name: str
) -> None:
    store = back_up(house, tmp_path, place)
    whole = b"".join(store.read(name))
    with new(tmp_path) as restored:
        store.put(name, whole[:-1] + bytes([whole[-1] ^ 1]))
        assert refused(restored, place) == f"{place} is damaged: {name} is not what was backed up"
        store.delete([name])
        assert refused(restored, place) == f"{place} is damaged: {name} is missing"
        store.put(name, whole)
        remote(restored, tmp_path / "new").restore(place, quiet)
        assert restored.problems() == []


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"{", "backup.json can't be read"),
        (b'{"format": 1}', "backup.json can't be read"),
        (b'{"format": 9, "files": {}}', "newer release"),
        (
            b'{"format": 1, "files": {"../evil": {"bytes": 0, "sha256": ""}}}',
            "backup.json names '../evil'",
        ),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(
    tmp_path: Path, place: str, written: bytes, why: str
) -> None:
    open_store(place).put(MANIFEST, written)
    with new(tmp_path) as restored:
        assert why in refused(restored, place)
    assert not (tmp_path / "evil").exists()


def test_what_is_fetched_by_another_tool_is_a_backup_in_a_folder(
    house: House, tmp_path: Path, place: str
) -> None:
    store = back_up(house, tmp_path, place)
    for prefix in ("", "index/", "index/000001/"):
        for name in store.listed(prefix):
            (tmp_path / "fetched" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "fetched" / name).write_bytes(b"".join(store.read(name)))
    with new(tmp_path) as restored:
        Backups(restored.catalogue, restored.generations).restore(tmp_path / "fetched", quiet)
        assert restored.problems() == []


# -- one line for each error


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """The address of a server that answers as Amazon's does, which the one of the tests doesn't."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def why_not(house: House, folder: Path, place: str) -> str:
    """Why no backup is made at a place; the same keeps one from being restored."""
    with pytest.raises(BackupRefused) as caught:
        remote(house, folder).backup(place, quiet)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert str(caught.value).startswith(f"{place}: ")
    return str(caught.value).removeprefix(f"{place}: ")


def test_a_missing_bucket_is_said_to_be_missing(
    house: House, tmp_path: Path, server: dict[str, str]
) -> None:
    assert why_not(house, tmp_path, "s3://nowhere/copy") == "there is no such bucket"
    with new(tmp_path) as restored:
        assert refused(restored, "s3://nowhere/copy").endswith("there is no such bucket")


def test_a_server_that_refuses_is_quoted(
    house: House, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    why = why_not(house, tmp_path, place)
    assert why.startswith("the server refuses it: The request signature we calculated does not")
    assert "AWS_SECRET_ACCESS_KEY" in why


def test_a_server_that_is_away_is_named(
    house: House, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    why = why_not(house, tmp_path, place)
    assert why.startswith("no server answers (AWS_ENDPOINT_URL): ")
    assert "http://127.0.0.1:1/" in why


@pytest.mark.parametrize(
    ("status", "body", "is_in"),
    [
        (301, "<Error><Code>PermanentRedirect</Code></Error>", "another region"),
        (
            400,
            "<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is "
            "wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region></Error>",
            "the region eu-west-1",
        ),
    ],
)
def test_another_region_is_named(
    house: House,
    tmp_path: Path,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    is_in: str,
) -> None:
    with answering(status, body) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        why = why_not(house, tmp_path, place)
    assert why == f"the bucket is in {is_in}, and us-east-1 was asked: set AWS_REGION"


def test_a_volume_without_room_for_the_copy_is_refused_at_once(
    house: House, tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(house.catalogue), "bytes_used", lambda _: 10**18)
    with pytest.raises(StorageFull, match=r"to send a backup, DATA_DIR=.* needs about 10+\.0 MB"):
        remote(house, tmp_path).backup(place, quiet)
    assert open_store(place).is_empty()


# -- what is left on the volume, and the commands


def test_what_a_killed_backup_has_left_goes_with_the_next_one(tmp_path: Path) -> None:
    with scratch(tmp_path) as running:
        (tmp_path / f"{PREFIX}killed").mkdir()
        (tmp_path / f"{PREFIX}killed" / "lock").touch()
        with scratch(tmp_path) as folder:
            assert {running, folder} == {*tmp_path.glob(f"{PREFIX}*")}
    assert [*tmp_path.iterdir()] == []


@pytest.mark.long
def test_the_commands_take_a_bucket(house: House, tmp_path: Path, place: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CATALOGUE_URL", house.catalogue.database.url)
        made = command(tmp_path, "backup", place)
    assert (made.returncode, made.stdout) == (0, f"backed up into {place}\n"), made.stderr
    restored = command(tmp_path / "new", "restore", place)
    assert restored.stdout == f"restored from {place}: 1009 images\n", restored.stderr
    verified = command(tmp_path / "new", "verify")
    assert verified.stdout == "1009 images, nothing wrong\n"
    again = command(tmp_path / "new", "restore", place)
    assert (again.returncode, again.stderr) == (
        1,
        "the catalogue to be filled holds images already\n",
    )
    new_codes = tmp_path / "new" / CODES
    assert sha256_of(new_codes) == sha256_of(house.generations.path(1) / "lists.ivf")
