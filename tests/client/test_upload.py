"""Uploads of many files: what is added once, what is sent twice, and when one ends."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from similarity_client import (
    AsyncSimilarity,
    Progress,
    Report,
    Retries,
    ServiceAway,
    Similarity,
    UploadStopped,
    errors,
    plain,
    sha256_of,
)
from similarity_client.settings import settings
from similarity_client.upload import Upload, plan
from similarity_client.upload.naming import id_of
from similarity_client.upload.width import Width

from local.stack import ROOT, Stack
from tests.client.peer import DROPPED, Answer, Asked, Peer, Script, error, ok, peer
from tests.support.calls import jpeg, picture, unused

PHOTOS, BROKEN, PARALLEL = 300, 10, 8
QUICK = Retries(first_s=0.01, longest_s=0.02)


# The whole of it


def test_a_killed_upload_goes_on_where_it_ended(
    served: Stack, similarity: Similarity, collection: dict[str, bytes], tmp_path: Path
) -> None:
    """The uploading process is killed at a third, the sidecar at two thirds."""
    mark = unused()
    files = dict(zip((f"{mark}-{n:03}" for n in range(PHOTOS)), collection.values(), strict=False))
    broken = set(list(files)[:: PHOTOS // BROKEN])
    for name, content in files.items():
        (tmp_path / f"{name}.jpg").write_bytes(content[:400] if name in broken else content)
    logged = len(adds(served))

    first = begun(served.url, tmp_path, PHOTOS // 3)
    first.kill()
    first.communicate()
    stored = {each.id for each in similarity.images() if each.id.startswith(mark)}
    assert PHOTOS // 3 - BROKEN <= len(stored) <= PHOTOS // 3 + PARALLEL

    second = begun(served.url, tmp_path, 2 * PHOTOS // 3)
    served.kill_all("sidecar")
    try:
        out, said = second.communicate("\n", timeout=120)
    finally:
        served.start("sidecar")
        served.wait_ready()
    assert second.returncode == 5
    assert "run it again to go on" in said
    reached = json.loads(out)
    assert sum((reached["added"], reached["same"], len(reached["failed"]))) >= 2 * PHOTOS // 3
    # What was in flight when the first was killed may have been stored since.
    assert len(stored) <= reached["same"] <= len(stored) + PARALLEL

    third = begun(served.url, tmp_path, -1)
    out, _ = third.communicate(timeout=120)
    assert third.returncode == 0
    report = json.loads(out)
    good = set(files) - broken
    assert report["added"] + report["same"] == len(good)
    assert report["same"] >= reached["added"] + reached["same"]
    assert set(report["failed"]) == {f"{name}.jpg" for name in broken}
    assert all("image_reading_error" in why for why in report["failed"].values())

    there = [each.id for each in similarity.images() if each.id.startswith(mark)]
    assert sorted(there) == sorted(good)
    assert similarity.get(there[0]).sha256 == sha256_of(files[there[0]])
    sent = [line for line in adds(served)[logged:] if line["bytes"] > 400]
    largest = sorted(map(len, files.values()))[-2 * PARALLEL :]
    wanted = sum(len(files[name]) for name in good)
    # What was in flight at a kill may have come, and comes again. What the killed sidecar had of
    # it has no line in its log.
    assert sum(line["bytes"] for line in sent) - wanted <= sum(largest)
    assert len(sent) <= len(good) + 2 * PARALLEL


def begun(url: str, folder: Path, stop_at: int) -> "subprocess.Popen[str]":
    """A process that uploads a folder, once it is where it stops."""
    words = [url, str(folder), str(PARALLEL), str(stop_at)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.client.uploading", *words],
        cwd=ROOT,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    )
    assert process.stdout is not None
    if stop_at > 0:
        assert process.stdout.readline() == "stopped\n"
    return process


def adds(served: Stack) -> list[dict[str, Any]]:
    """The lines of the sidecar's log of all adds."""
    lines = [json.loads(line) for line in served.log("sidecar").splitlines() if line[:1] == "{"]
    return [line for line in lines if line.get("route") == "/similarity/add"]


def test_files_are_added_and_found_again(similarity: Similarity, tmp_path: Path) -> None:
    mark = unused()
    paths = written(tmp_path, {f"{mark}-{n}.jpg": picture(n) for n in range(5)})
    paths.append(tmp_path / f"{mark}-none.jpg")
    seen: list[Progress] = []
    report = similarity.upload(paths, progress=seen.append)
    assert (report.added, report.same) == (5, 0)
    [(path, error)] = report.failed
    assert path.name == f"{mark}-none.jpg"
    assert isinstance(error, FileNotFoundError)
    assert [each.done for each in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[-1].sent_bytes == sum(len(picture(n)) for n in range(5))
    again: list[Progress] = []
    report = similarity.upload(paths, progress=again.append)
    assert (report.added, report.same, len(report.failed)) == (0, 5, 1)
    assert again[-1].sent_bytes == 0
    paths[0].write_bytes(picture(9))
    [(path, error)] = similarity.upload(paths[:5]).failed
    assert path == paths[0]
    assert isinstance(error, errors.DuplicateImageId)
    assert similarity.upload(paths[:5], overwrite=True).added == 1
    assert similarity.get(f"{mark}-0").sha256 == sha256_of(picture(9))
    # Without asking first, the service says what it has.
    assert similarity.upload(paths[:5], resume=False).same == 5


def test_an_id_that_is_none_hinders_no_other(similarity: Similarity, tmp_path: Path) -> None:
    mark = unused()
    names = [f"{mark}-{n}" for n in range(20)]
    paths = written(tmp_path, {f"{name}.jpg": picture(1) for name in [*names, f"{mark} 50%"]})
    assert similarity.upload(paths[:10]).added == 10
    seen: list[Progress] = []
    report = similarity.upload(paths, progress=seen.append)
    assert (report.added, report.same) == (10, 10)
    [(path, error)] = report.failed
    assert path.stem == f"{mark} 50%"
    assert isinstance(error, errors.WrongArgumentsFormat)
    assert seen[-1].sent_bytes == 11 * len(picture(1))


def test_ids_are_made_as_is_asked_and_metadata_come_along(
    similarity: Similarity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = unused()
    monkeypatch.chdir(tmp_path)
    Path("a", mark).mkdir(parents=True)
    path = Path("a", mark, "tom.jpg")
    path.write_bytes(picture(60))
    report = similarity.upload([path], id_from="path", metadata=lambda each: {"of": each.name})
    assert report.added == 1
    assert similarity.metadata(f"a:{mark}:tom").metadata == {"of": "tom.jpg"}
    similarity.upload([path], id_from="sha256")
    assert similarity.get(sha256_of(path)).id
    similarity.upload([path], id_from=lambda each: f"{mark}-{each.suffix[1:]}")
    assert similarity.get(f"{mark}-jpg").id


def test_two_files_of_one_id_do_not_both_succeed(similarity: Similarity, tmp_path: Path) -> None:
    mark = unused()
    folders = [tmp_path / name for name in "abc"]
    for folder, content in zip(folders, (picture(1), picture(2), picture(1)), strict=True):
        folder.mkdir()
        (folder / f"{mark}.jpg").write_bytes(content)
    report = similarity.upload([folder / f"{mark}.jpg" for folder in folders])
    assert report.added == 1
    assert report.same + len(report.failed) == 2
    assert report.failed
    assert all(isinstance(error, errors.DuplicateImageId) for _, error in report.failed)


def written(folder: Path, files: dict[str, bytes]) -> list[Path]:
    paths = [folder / name for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    return paths


# Against a server that answers as a script says


def upload(served: Peer, paths: Any, **options: Any) -> Report:
    with Similarity(served.url, retries=QUICK, check_version=False) as similarity:
        return similarity.upload(paths, **options)


def service(add: Script, state: str = "missing") -> Script:
    """A service that has all files in one state, and answers adds by a script."""

    def script(asked: Asked) -> Answer:
        if asked.path.startswith("/similarity/images/check"):
            entries = json.loads(asked.body)
            return ok(images=[{"id": each["id"], "state": state} for each in entries])
        if asked.path == "/similarity/version":
            return error(404, "unknown_path")
        return add(asked)

    return script


def added(asked: Asked) -> Answer:
    return ok(id=parse_qs(urlsplit(asked.path).query)["id"][0])


@pytest.mark.long
def test_paths_are_read_no_faster_than_they_are_uploaded(tmp_path: Path) -> None:
    [path] = written(tmp_path, {"a.jpg": jpeg()})
    total, drawn, most_ahead = 1200, 0, 0

    def paths() -> Iterator[Path]:
        nonlocal drawn
        while drawn < total:
            drawn += 1
            yield path

    def on_file(progress: Progress) -> None:
        nonlocal most_ahead
        most_ahead = max(most_ahead, drawn - progress.done)

    numbers = count()
    with peer(service(added)) as served:
        report = upload(
            served, paths(), parallel=4, progress=on_file, id_from=lambda _: f"{next(numbers)}"
        )
    assert report.added == total
    # Four threads with a group each and one more drawn, the queue, and what is being sent.
    assert most_ahead <= 4 * 100 + (4 + 100) + 4 + 1


def test_an_upload_becomes_narrow_where_the_service_is_too_busy(tmp_path: Path) -> None:
    """A service that takes two at once is not asked by sixteen for long, and loses no file."""
    paths = written(tmp_path, {f"{n}.jpg": jpeg((n, 0, 0)) for n in range(120)})
    lock, flying, refused = threading.Lock(), 0, 0
    enough = threading.Semaphore(0)

    def add(asked: Asked) -> Answer:
        nonlocal flying, refused
        with lock:
            flying += 1
            busy = flying > 2
            refused += busy
        enough.acquire(timeout=0.005)  # as long as an add takes
        with lock:
            flying -= 1
        return error(503, "too_busy") if busy else added(asked)

    with peer(service(add)) as served, Similarity(served.url, check_version=False) as similarity:
        similarity.retries = Retries(count=50, first_s=0.01, longest_s=0.02)
        report = similarity.upload(paths, parallel=16)
    assert report.added == 120
    assert refused  # which the report does not show


@pytest.mark.parametrize(
    "broken",
    [
        Answer(DROPPED),
        error(503, "catalogue_unavailable"),
        error(507, "storage_full"),
        error(401, "key_required"),
        error(404, "unknown_path"),
    ],
)
def test_an_upload_stops_where_no_file_can_be_taken(tmp_path: Path, broken: Answer) -> None:
    paths = written(tmp_path, {f"{n}.jpg": jpeg() for n in range(200)})
    done = count()

    def add(asked: Asked) -> Answer:
        return added(asked) if next(done) < 20 else broken

    with peer(service(add)) as served, pytest.raises(UploadStopped, match="again to go on") as stop:
        upload(served, paths, parallel=4)
    assert stop.value.report.added == 20
    assert stop.value.report.failed == ()
    assert "20 added" in str(stop.value)
    if broken.status == DROPPED:
        assert isinstance(stop.value.__cause__, ServiceAway)
    else:
        assert stop.value.status == broken.status


@pytest.mark.parametrize("status", [400, 409, 413, 500])
def test_a_file_that_is_refused_fails_alone(tmp_path: Path, status: int) -> None:
    paths = written(tmp_path, {f"{n}.jpg": jpeg() for n in range(20)})

    def add(asked: Asked) -> Answer:
        answer = added(asked)
        return error(status, "image_too_large") if answer.body["id"] == "7" else answer

    with peer(service(add)) as served:
        report = upload(served, paths)
    assert report.added == 19
    assert [path.name for path, _ in report.failed] == ["7.jpg"]


def test_what_reading_the_paths_raises_ends_the_upload(tmp_path: Path) -> None:
    [path] = written(tmp_path, {"a.jpg": jpeg()})

    def paths() -> Iterator[Path]:
        yield path
        raise LookupError("no more")

    with peer(service(added)) as served, pytest.raises(LookupError, match="no more"):
        upload(served, paths())


def test_what_progress_raises_ends_the_upload(tmp_path: Path) -> None:
    paths = written(tmp_path, {f"{n}.jpg": jpeg() for n in range(50)})

    def on_file(progress: Progress) -> None:
        raise ValueError("enough")

    with peer(service(added)) as served, pytest.raises(ValueError, match="enough"):
        upload(served, paths, progress=on_file)


def test_after_a_stop_what_is_in_flight_comes_to_its_end(tmp_path: Path) -> None:
    paths = written(tmp_path, {f"{n}.jpg": jpeg() for n in range(100)})

    def on_file(progress: Progress) -> None:
        if progress.done == 10:
            running.stop()

    with peer(service(added)) as served, Similarity(served.url, check_version=False) as similarity:
        running = Upload(similarity, paths, plan(True, False, "name", None), 4, on_file)
        report = running.run()
        sent = [each for each in served.asked if each.path.startswith("/similarity/add")]
    assert 10 <= report.added == len(sent) < 10 + 4


def test_ctrl_c_ends_an_upload(tmp_path: Path) -> None:
    written(tmp_path, {f"{n}.jpg": jpeg() for n in range(2000)})
    with peer(service(added)) as served:
        process = begun(served.url, tmp_path, 10)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate("\n", timeout=60)
    assert "KeyboardInterrupt" in said
    assert "Traceback" in said  # which the caller may catch: nothing hangs


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}])
def test_a_connection_that_the_service_has_closed_is_made_anew(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    """Whether it is found closed before the next image is sent or after: none is lost."""
    paths = written(tmp_path, {f"{n}.jpg": jpeg() for n in range(20)})

    def add(asked: Asked) -> Answer:
        answer = added(asked)
        return Answer(200, answer.body, headers, closes=True)

    with peer(service(add)) as served:
        report = upload(served, paths, parallel=1, resume=False)
        assert report.added == len(served.asked) == 20


def test_an_answer_that_comes_before_the_image_was_read_counts(tmp_path: Path) -> None:
    """A server that refuses by the head of a request, and reads no body."""
    paths = written(tmp_path, {"large.jpg": bytes(8 << 20)})
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        served = threading.Thread(target=refuse, args=(listener,), daemon=True)
        served.start()
        with Similarity(url, retries=Retries(count=0), check_version=False) as similarity:
            report = similarity.upload(paths, resume=False)
        served.join(60)
    [(_, refused)] = report.failed
    assert isinstance(refused, errors.ImageTooLarge)


def refuse(listener: socket.socket) -> None:
    listener.settimeout(30)
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(30)
        connection.recv(1024)
        body = json.dumps(error(413, "image_too_large").body).encode()
        head = f"HTTP/1.1 413 Too Large\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 20):
            pass  # drained, as the service does


def test_an_upload_goes_by_a_proxy_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = written(tmp_path, {f"{n}.jpg": jpeg() for n in range(5)})

    def by_proxy(asked: Asked) -> Answer:
        assert asked.path.startswith("http://similarity.example/similarity/")
        rest = asked.path.removeprefix("http://similarity.example")
        return service(added)(replace(asked, path=rest))

    with peer(by_proxy) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        with Similarity("http://similarity.example", check_version=False) as similarity:
            assert similarity.upload(paths).added == 5
            report = asyncio.run(uploaded_async("http://similarity.example", paths))
        assert report.added == 5
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert plain.suits(settings("http://127.0.0.1:5000", None, 1))
        assert not plain.suits(settings("http://similarity.example", None, 1))
    assert not plain.suits(settings("https://127.0.0.1:5000", None, 1))


async def uploaded_async(url: str, paths: list[Path]) -> Report:
    async with AsyncSimilarity(url, check_version=False) as similarity:
        return await similarity.upload(paths)


def test_nothing_to_upload_is_well() -> None:
    with peer(service(added)) as served:
        assert upload(served, []) == Report()
        with pytest.raises(ValueError, match="parallel"):
            upload(served, [], parallel=0)


# Its parts


@given(st.lists(st.sampled_from(["busy", "well", "late"]), max_size=200), st.integers(1, 64))
def test_the_width_halves_once_a_round_and_grows_by_one(events: list[str], most: int) -> None:
    width = Width(most)
    before = width.begin()
    width.end()
    for event in events:
        was = width.width
        begun = width.begin()
        assert begun is not None
        width.end()
        if event == "busy":
            width.halve(begun)
            assert width.width == max(1, was // 2)
        elif event == "late" and begun != before:
            assert before is not None
            width.halve(before)  # which began before the last halving
            assert width.width == was
        else:
            width.grow()
            assert was <= width.width <= min(most, was + 1)
    for _ in range(sum(range(most + 1))):
        width.grow()
    assert width.width == most


def test_after_a_stop_no_upload_begins() -> None:
    width = Width(1)
    assert width.begin() == 0
    width.stop()
    assert width.begin() is None


@pytest.mark.parametrize(
    ("path", "rule", "image_id"),
    [
        ("cats/tom (2).jpg", "name", "tom (2)"),
        ("cats/tom (2).jpg", "path", "cats:tom (2)"),
        ("/photos/cats/tom.jpg", "path", "photos:cats:tom"),
        ("tom.tar.gz", "name", "tom.tar"),
    ],
)
def test_a_path_makes_an_id(path: str, rule: Any, image_id: str) -> None:
    assert id_of(Path(path), rule, None) == image_id


def test_a_path_that_leads_upwards_makes_no_id() -> None:
    with pytest.raises(ValueError, match="leads out"):
        id_of(Path("../tom.jpg"), "path", None)
