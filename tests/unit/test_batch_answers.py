"""An answer to a batch that has begun is always finished, whatever happens: a line a file."""

import hashlib
import io
import json
import resource
import tarfile
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import falcon
import pytest
from falcon import testing

from sidecar.catalogue import Metadata
from sidecar.catalogue.database import Database
from sidecar.errors import DuplicateId, ImageUnreadable
from sidecar.http.access_log import AccessLog
from sidecar.http.error_handlers import add_error_handlers
from sidecar.http.ndjson import MOST_IN_MEMORY
from sidecar.http.reading.batch_uploads import BatchReader
from sidecar.http.resources.adding import AddBatchResource
from sidecar.images import BatchRules, File
from sidecar.ingest.batch import AT_ONCE, IngestBatch, Outcome
from sidecar.ingest.single import Ingest
from sidecar.models.lanes import Lane
from tests.support.archives import tar, zipped

MEBIBYTE = 1 << 20
KIND = "multipart/form-data; boundary=cut"

NO_METADATA = Metadata(Database("sqlite:///nowhere.sqlite"))  # no batch here has any


class Shelf:
    """What stands for `Ingest` here: it asks no model and keeps the SHA-256 of each upload."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}
        self.on_add: threading.Event | None = None

    def add(
        self,
        upload: bytes,
        image_id: str | None,
        overwrite: bool,
        _document: str | None,
        _lane: Lane,
    ) -> str:
        if self.on_add is not None:
            self.on_add.wait(30)
        if upload == b"bad":
            raise ImageUnreadable("no image")
        if upload == b"bug":
            raise ZeroDivisionError("secret")
        sha256 = hashlib.sha256(upload).hexdigest()
        image_id = image_id or "drawn"
        if not overwrite and image_id in self.stored:
            raise DuplicateId("in use", self.stored[image_id] == sha256)
        self.stored[image_id] = sha256
        return image_id


class House:
    """The call that adds a batch, over a shelf."""

    def __init__(self, folder: Path, max_files: int = 2000) -> None:
        rules = BatchRules(MEBIBYTE, 1 << 30, max_files)
        self.shelf = Shelf()
        self.batch = IngestBatch(cast(Ingest, self.shelf), NO_METADATA)
        self.reader = BatchReader(rules, folder)
        app = falcon.App(middleware=[AccessLog()])
        app.add_route("/add_batch", AddBatchResource(self.batch, self.reader))
        add_error_handlers(app)
        self.client = testing.TestClient(app)

    def post(self, body: bytes, query: str = "", kind: str | None = KIND) -> testing.Result:
        headers = {"Content-Type": kind} if kind else {}
        return self.client.simulate_post(f"/add_batch{query}", body=body, headers=headers)

    def archive(self, body: bytes, query: str = "") -> list[dict[str, Any]]:
        return lines(self.post(body, query, kind=None))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.batch.close()
    assert list(tmp_path.iterdir()) == []


def lines(answer: testing.Result) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found = [json.loads(line) for line in answer.content.splitlines()]
    for line in found:
        json.dumps(line, ensure_ascii=False).encode()  # no halves of characters
    return found


def told(found: list[dict[str, Any]]) -> list[str]:
    return [line.get("id") or line["message"] for line in found]


def part(header: bytes, content: bytes) -> bytes:
    return b"--cut\r\nContent-Disposition: form-data; " + header + b"\r\n\r\n" + content + b"\r\n"


def form(*names: bytes, content: bytes = b"x") -> bytes:
    parts = (part(b'name=data; filename="%s"' % name, content) for name in names)
    return b"".join(parts) + b"--cut--\r\n"


ODD = [
    b".", b"..", b"./", b"/", b"\\", b"C:", b"%2e", b"\x00", b"a\x00b.jpg", b"\xff\xfe", b"\x81",
    b"..jpg", b" .jpg", b"a\tb.jpg", b"\xed\xa0\x80.jpg", b"a" * 300, b"\xe2\x80\xae.jpg", b"?",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_file_with_an_odd_name_fails_alone(house: House, name: bytes) -> None:
    found = lines(house.post(form(b"a.jpg", name, b"b.jpg")))
    assert told(found)[::2] == ["a", "b"]
    assert len(found) == 3
    assert found[1]["status"] == "ok" or found[1]["message"] == "wrong_arguments_format"


@pytest.mark.parametrize("name", ODD)
def test_a_member_with_an_odd_name_fails_alone(house: House, name: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, encoding="latin-1") as new:
        for each in (b"a.jpg", name, b"b.jpg"):
            info = tarfile.TarInfo(each.decode("latin-1"))
            info.size = 1
            new.addfile(info, io.BytesIO(b"x"))
    found = house.archive(out.getvalue())
    assert (told(found)[0], told(found)[-1]) == ("a", "b")
    assert len(found) in (2, 3)  # "/" is a folder


@pytest.mark.parametrize("ending", [b"bogus''a", b"utf-8''%ff", b"hex''00", b"utf-16''%00", b""])
def test_a_name_in_an_encoding_that_nobody_knows_is_read_as_it_stands(
    house: House, ending: bytes
) -> None:
    body = part(b'name=data; filename="plain.jpg"; filename*=' + ending, b"x") + form(b"b.jpg")
    assert told(lines(house.post(body))) == ["plain", "b"]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Köln é.jpg".encode("latin-1"), "Köln é"),
        ("写真 表.jpg".encode("shift-jis"), "写真 表"),
        ("ねこ.jpg".encode("shift-jis"), "ねこ"),
        ("10\u201320 \u20ac.jpg".encode("cp1252"), "10\u201320 \u20ac"),
        ("हिन्दी.jpg".encode(), "हिन्दी"),
    ],
)
def test_a_name_is_read_in_the_encoding_it_is_likely_in(
    house: House, raw: bytes, name: str
) -> None:
    body = part(b'name=data; filename="%s"' % raw, b"x") + form(b"b.jpg")
    assert told(lines(house.post(body))) == [name, "b"]
    assert house.shelf.stored.keys() == {name, "b"}


def test_a_file_whose_name_of_a_field_is_in_no_utf_8_is_passed_over(house: House) -> None:
    other = part(b"name=d\xe4ta; filename=a.jpg", b"x")
    assert told(lines(house.post(other + form(b"b.jpg")))) == ["b"]


def test_a_file_that_meets_a_bug_fails_alone(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    found = house.archive(tar({"a.jpg": b"1", "b.jpg": b"bug", "c.jpg": b"bad", "d.jpg": b"2"}))
    assert told(found) == ["a", "unknown_error", "image_reading_error", "d"]
    assert "secret" not in json.dumps(found)
    assert "secret" in caplog.text


@pytest.mark.parametrize("error", [ConnectionResetError(104, "reset"), ZeroDivisionError("bug")])
def test_whatever_ends_the_reading_is_the_last_line(tmp_path: Path, error: Exception) -> None:
    class Failing(BatchReader):
        def _files(self, req: falcon.Request, head: bytes) -> Iterator[File]:
            yield from super()._files(req, head)
            raise error

    reader = Failing(BatchRules(9, 999, 9), tmp_path)
    request = testing.create_req(
        method="POST", headers={"Content-Type": KIND}, body=form(b"a", b"b")
    )
    names = [file.name for file in reader.read(request)]
    assert names == ["a", "b", ""]


def test_a_full_disk_ends_the_batch_and_no_line_is_lost(house: House) -> None:
    names = [f"{n}{'n' * 3000}.jpg" for n in range(1500)]
    body = form(*(name.encode() for name in names), content=b"bad")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MOST_IN_MEMORY, hard))  # of the answer's file
    try:
        answer = house.post(body)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    found = lines(answer)
    assert found[-1]["message"] == "storage_full"
    shown = [line["name"] for line in found[:-1]]
    assert 2 * MOST_IN_MEMORY // 3200 < len(shown) < len(names)
    assert shown == names[: len(shown)]


def test_a_restart_ends_a_batch_with_a_line_that_says_where(house: House) -> None:
    class Stopping(Shelf):
        def add(self, *args: Any) -> str:
            if len(self.stored) == 40:
                house.reader.stopping.set()
            return super().add(*args)

    house.batch._ingest = cast(Ingest, Stopping())
    found = house.archive(tar({f"{n}.jpg": b"%d" % n for n in range(900)}))
    assert found[-1]["message"] == "batch_stopped"
    assert found[-1]["name"] == ""
    done = len(found) - 1
    assert told(found[:-1]) == [f"{n}" for n in range(done)]
    assert 40 <= done < 40 + 2 * AT_ONCE
    assert f": {done} files have their line" in found[-1]["detail"]
    stored = cast(Any, house.batch._ingest).stored
    assert len(stored) == done


def test_a_batch_that_comes_while_the_service_stops_may_be_sent_again(house: House) -> None:
    house.reader.stopping.set()
    for answer in (house.post(form(b"a.jpg")), house.post(tar({"a.jpg": b"x"}), kind=None)):
        assert (answer.status_code, answer.json["message"]) == (503, "batch_stopped")
        assert answer.headers["Retry-After"]
    assert house.shelf.stored == {}


def test_two_files_of_one_id_are_reported(house: House) -> None:
    archive = tar({"cats/1.jpg": b"cat", "dogs/1.jpg": b"dog", "cows/1.png": b"cat"})
    for query in ("?overwrite=true", ""):
        house.shelf.stored.clear()
        first, *others = house.archive(archive, query)
        assert first == {"status": "ok", "id": "1", "name": "cats/1.jpg"}
        assert told(others) == ["duplicate_image_id"] * 2
        assert [line["identical"] for line in others] == [False, True]
        assert all("id_from=path" in line["detail"] for line in others)
        assert house.shelf.stored == {"1": hashlib.sha256(b"cat").hexdigest()}


def test_a_batch_overwrites_what_was_stored_before_it(house: House) -> None:
    house.archive(tar({"1.jpg": b"old"}))
    assert told(house.archive(tar({"1.jpg": b"new"}), "?overwrite=true")) == ["1"]
    assert house.shelf.stored == {"1": hashlib.sha256(b"new").hexdigest()}


def test_a_file_may_take_the_id_of_one_that_failed(house: House) -> None:
    found = house.archive(tar({"a/1.jpg": b"bad", "b/1.jpg": b"good"}), "?overwrite=true")
    assert told(found) == ["image_reading_error", "1"]


def test_ids_may_be_made_of_whole_paths(house: House) -> None:
    archive = zipped({"cats/1.jpg": b"cat", "./dogs/1.jpg": b"dog", "cats\\big\\2.x.png": b"2"})
    found = house.archive(archive, "?id_from=path&overwrite=true")
    assert told(found) == ["cats:1", "dogs:1", "cats:big:2.x"]
    assert told(house.archive(archive, "?id_from=name&overwrite=true")) == [
        "1",
        "duplicate_image_id",
        "2.x",
    ]
    answer = house.post(archive, "?id_from=folder", kind=None)
    assert (answer.status_code, answer.json["message"]) == (400, "wrong_arguments_format")
    assert "name or path" in answer.json["detail"]


def test_names_with_spaces_and_brackets_are_ids(house: House) -> None:
    names = ["IMG 12 (1).jpg", "[a] {b} & c, d!.png", "naïve ½ ☕.gif", "e\u0301.jpg"]
    found = house.archive(tar(dict.fromkeys(names, b"x")))
    assert told(found) == ["IMG 12 (1)", "[a] {b} & c, d!", "naïve ½ ☕", "é"]


def test_the_same_name_composed_and_decomposed_is_one_id(house: House) -> None:
    archive = tar({"a/é.jpg": b"1", "b/e\u0301.jpg": b"2"})
    assert told(house.archive(archive)) == ["é", "duplicate_image_id"]


def test_what_systems_leave_behind_is_no_file_of_a_form(house: House) -> None:
    assert told(lines(house.post(form(b"._a.jpg", b"Thumbs.db", b"a.jpg")))) == ["a"]
    answer = house.post(form(b"desktop.ini"))
    assert (answer.status_code, answer.json["message"]) == (400, "data_payload_required")


def test_a_batch_has_so_many_files(tmp_path: Path) -> None:
    house = House(tmp_path, max_files=5)
    names = [b"%d" % n for n in range(7)]
    for answer in (
        house.post(form(*names)),
        house.post(tar({name.decode(): b"x" for name in names}), "?overwrite=true", kind=None),
    ):
        found = lines(answer)
        assert told(found) == [*"01234", "batch_too_large"]
        assert "5 files (MAX_BATCH_FILES)" in found[-1]["detail"]
    house.batch.close()


def test_a_batch_holds_no_more_than_a_window_and_one_image() -> None:
    """Forty files of a mebibyte each, whose adding takes as long as it may."""
    shelf = Shelf()
    shelf.on_add = threading.Event()
    batch = IngestBatch(cast(Ingest, shelf), NO_METADATA, window_bytes=4 * MEBIBYTE)
    found: list[Outcome] = []

    def arriving() -> Iterator[File]:
        for n in range(40):
            yield File(f"{n}.jpg", bytes([n]) * MEBIBYTE)

    def add() -> None:
        found.extend(batch.add(arriving(), overwrite=False))

    tracemalloc.start()
    thread = threading.Thread(target=add)
    thread.start()
    thread.join(0.3)
    held = tracemalloc.get_traced_memory()[0]
    shelf.on_add.set()
    thread.join(30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    batch.close()
    assert [outcome.id for outcome in found] == [f"{n}" for n in range(40)]
    assert 4 * MEBIBYTE <= held <= 5.5 * MEBIBYTE
    assert peak <= 5.5 * MEBIBYTE


def test_a_file_larger_than_the_window_gets_in_alone() -> None:
    batch = IngestBatch(cast(Ingest, Shelf()), NO_METADATA, window_bytes=10)
    files = [File(f"{n}.jpg", bytes(size)) for n, size in enumerate((5, 50, 0, 11, 3))]
    assert [each.id for each in batch.add(files, overwrite=False)] == list("01234")
    batch.close()
