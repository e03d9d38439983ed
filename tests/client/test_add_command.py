"""`similarity add` over the real stack: every option, and what is no image, option or file."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from similarity_client import Similarity
from similarity_client.cli.sources import Chosen, Wanted, watching

from local.stack import ROOT, Stack
from tests.client.command import lines, run_line, states
from tests.client.peer import DROPPED, Answer, Asked, error, ok, peer
from tests.support.calls import noise, picture, unused

Add = Callable[..., Any]


@pytest.fixture
def add(served: Stack) -> Add:
    """Runs `similarity add --json` against the stack."""
    return lambda *words, **more: run_line(served.url, "add", "--json", *words, **more)


@pytest.fixture
def photos(tmp_path: Path, mark: str) -> Path:
    """A folder of a photo, one below it, and what is no photo."""
    folder = tmp_path / "photos"
    write(folder / f"{mark}-a.jpg", picture(1))
    write(folder / f"{mark}-b.PNG", picture(2))
    write(folder / "cats" / f"{mark}-c.jpg", picture(3))
    write(folder / "notes.txt", b"notes")
    write(folder / f".{mark}-hidden.jpg", picture(4))
    write(folder / ".git" / f"{mark}-d.jpg", picture(5))
    return folder


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# What is added


def test_files_are_added_once(add: Add, photos: Path, mark: str, similarity: Similarity) -> None:
    paths = [photos / f"{mark}-a.jpg", photos / f"{mark}-b.PNG"]
    result = add(*paths)
    assert result.exit_code == 0, result.output
    assert states(result) == {f"{mark}-a": "added", f"{mark}-b": "added"}
    [*_, summary] = lines(result)
    assert summary.pop("seconds") > 0
    sent = sum(len(path.read_bytes()) for path in paths)
    assert summary == {"added": 2, "same": 0, "failed": 0, "similar": 0, "sent_bytes": sent}
    assert "2 images: 2 added, 0 stored before, 0 failed" in result.stderr
    again = add(*paths)
    assert states(again) == {f"{mark}-a": "same", f"{mark}-b": "same"}
    assert lines(again)[-1]["sent_bytes"] == 0
    assert similarity.get(f"{mark}-a").id


def test_what_is_stored_under_another_id_is_left_out(
    add: Add, tmp_path: Path, mark: str, similarity: Similarity
) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{mark}-{name}.jpg", noise(4711))
    assert states(add(tmp_path / f"{mark}-a.jpg")) == {f"{mark}-a": "added"}
    result = add(tmp_path, "--unique")
    assert result.exit_code == 0, result.output
    assert states(result) == {f"{mark}-a": "same", f"{mark}-b": "similar"}
    [*each, summary] = lines(result)
    assert [line["similar_to"]["id"] for line in each if "similar_to" in line] == [f"{mark}-a"]
    assert (summary["similar"], summary["failed"]) == (1, 0)
    assert "2 images: 0 added, 1 stored before, 1 left out, 0 failed" in result.stderr
    report = similarity.upload([tmp_path / f"{mark}-b.jpg"], unique=True)
    assert (report.similar, report.done, str(report)) == (
        1,
        1,
        "1 files: 0 added, 0 stored before, 1 left out, 0 failed",
    )
    similarity.remove(f"{mark}-a")


def test_without_json_stdout_is_empty_and_failures_are_said(
    served: Stack, photos: Path, mark: str
) -> None:
    result = run_line(served.url, "add", photos / f"{mark}-a.jpg", photos / "notes.txt")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"failed: {photos / 'notes.txt'}: image_reading_error: " in result.stderr
    assert "2 images: 1 added, 0 stored before, 1 failed" in result.stderr


def test_a_folder_is_added_without_what_is_hidden_or_no_image(
    add: Add, photos: Path, mark: str
) -> None:
    assert states(add(photos)) == {f"{mark}-a": "added", f"{mark}-b": "added"}
    found = states(add(photos, "--recursive"))
    assert found == {f"{mark}-a": "same", f"{mark}-b": "same", f"{mark}-c": "added"}


def test_a_folder_of_folders_is_said_to_be_one(add: Add, photos: Path, tmp_path: Path) -> None:
    result = add(tmp_path)
    assert result.exit_code == 0
    assert f"{tmp_path} has no files, only folders: --recursive goes into them" in result.stderr


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        (["--include", "*.PNG"], "b"),
        (["--include", "*-[ac].*"], "ac"),
        (["--include", "cats/*"], "c"),
        (["--exclude", "cats"], "ab"),
        (["--exclude", "*.jpg", "--exclude", "*.gif"], "b"),
        (["--include", "*.jpg", "--exclude", "cats/*"], "a"),
    ],
)
def test_patterns_choose(add: Add, photos: Path, mark: str, options: list[str], taken: str) -> None:
    result = add(photos, "-r", "--dry-run", *options)
    assert {line["id"] for line in lines(result)} == {f"{mark}-{letter}" for letter in taken}


def test_what_is_read_before_a_name_is_asked_for_is_an_image_or_fails(
    add: Add, photos: Path, mark: str
) -> None:
    found = states(add(photos, "--include", "*.txt"))
    assert found == {"notes": "image_reading_error"}


# Ids


@pytest.mark.parametrize(
    ("rule", "image_id"),
    [
        ("name", "{mark}-c"),
        ("path", "cats:{mark}-c"),
        ("{parent}-{stem}", "cats-{mark}-c"),
        ("x-{name}-{suffix}", "x-{mark}-c.jpg-jpg"),
        ("{path:.4}{sha256:.0}{stem}", "cats{mark}-c"),
    ],
)
def test_an_id_is_made_by_a_rule(
    add: Add, photos: Path, mark: str, rule: str, image_id: str
) -> None:
    result = add(photos, "-r", "--include", "*-c.jpg", "--id-from", rule)
    assert states(result) == {image_id.format(mark=mark): "added"}


def test_names_of_a_mac_are_found_again(add: Add, tmp_path: Path, mark: str) -> None:
    write(tmp_path / f"{mark}-u\u0308.jpg", picture(1))
    assert states(add(tmp_path)) == {f"{mark}-\u00fc": "added"}
    assert states(add(tmp_path)) == {f"{mark}-\u00fc": "same"}


def test_an_id_may_be_the_sha256(add: Add, tmp_path: Path, similarity: Similarity) -> None:
    content = picture(6) + unused().encode()
    write(tmp_path / "a.jpg", content)
    write(tmp_path / "b" / "copy.jpg", content)
    found = [line for line in lines(add(tmp_path, "-r", "--id-from", "sha256")) if "id" in line]
    assert len({line["id"] for line in found}) == 1
    assert similarity.get(found[0]["id"]).sha256 == found[0]["id"]
    assert {line["state"] for line in found} <= {"added", "same"}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("nmae", "has no field"),
        ("{}", "no such field"),
        ("{colour}", "no such field as 'colour'"),
        ("{stem.x}", "no such field"),
        ("{stem!r}", "no template"),
        ("{stem:{name}}", "no template"),
        ("{stem", "no template"),
        ("{sha256:d}", "format code"),
        ("", "has no field"),
    ],
)
def test_a_rule_that_is_none_is_refused(add: Add, photos: Path, rule: str, why: str) -> None:
    result = add(photos, "--id-from", rule)
    assert result.exit_code == 2
    assert why in result.stderr.replace("\n", " ")
    assert result.stdout == ""


def test_the_second_file_of_an_id_fails_and_names_the_first(
    add: Add, photos: Path, mark: str
) -> None:
    second = write(photos / "cats" / f"{mark}-a.png", picture(9))
    for state in ("added", "same"):  # the same one each time
        result = add(photos, "-r", "--exclude", "*-[bc].*")
        assert result.exit_code == 1
        found = {line["path"]: line for line in lines(result) if "path" in line}
        assert found[str(photos / f"{mark}-a.jpg")]["state"] == state
        assert found[str(second)]["word"] == "duplicate_image_id"
        assert str(photos / f"{mark}-a.jpg") in found[str(second)]["detail"]


def test_an_id_that_is_in_use_fails_unless_it_is_overwritten(
    add: Add, photos: Path, mark: str, similarity: Similarity
) -> None:
    path = photos / f"{mark}-a.jpg"
    add(path)
    write(path, picture(8))
    assert states(add(path)) == {f"{mark}-a": "duplicate_image_id"}
    assert states(add(path, "--overwrite")) == {f"{mark}-a": "added"}
    assert similarity.original(f"{mark}-a").content == picture(8)


# Metadata


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("said.json", '{{"{mark}-a.jpg": {{"price": 3}}, "cats/{mark}-c.jpg": {{"price": 4.5}}}}'),
        (
            "said.ndjson",
            '{{"id": "{mark}-a", "metadata": {{"price": 3}}}}\n\n'
            '{{"file": "{mark}-c.jpg", "metadata": {{"price": 4.5}}}}\n',
        ),
        ("said.csv", "\ufefffile,price,colour\n{mark}-a.jpg,3,\n{mark}-c.jpg,4.5,\n"),
    ],
)
def test_metadata_come_along(
    add: Add, photos: Path, tmp_path: Path, mark: str, name: str, text: str, similarity: Similarity
) -> None:
    said = write(tmp_path / name, text.format(mark=mark).encode())
    assert add(photos, "-r", "--metadata", said).exit_code == 0
    assert similarity.metadata(f"{mark}-a").metadata == {"price": 3}
    assert similarity.metadata(f"{mark}-b").metadata == {}
    assert similarity.metadata(f"{mark}-c").metadata == {"price": 4.5}


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("said.json", '{\n"a": {},\n}', "line 3 is no JSON"),
        ("said.json", "[]", "no object of names"),
        ("said.json", '{"a": 1}', "of 'a' is no object"),
        ("said.ndjson", '{"id": "a", "metadata": {}}\n{"id": "a"}\n', "line 2 is no object"),
        ("said.ndjson", "{}\n", "line 1 is no object"),
        ("said.jsonl", "\n{\n", "line 2 is no JSON"),
        ("said.csv", "name,price\na,1\n", "line 1 has no column"),
        ("said.csv", "id,price\na,1\nb\n", "line 3 lacks"),
        ("said.csv", "id,price\na,1,2\n", "line 2 lacks"),
        ("said.csv", 'id,price\n"a,1\n', "no CSV"),
        ("said.csv", "\xff", "decode"),
    ],
)
def test_metadata_that_are_none_are_refused_by_line(
    add: Add, photos: Path, tmp_path: Path, name: str, text: str, why: str
) -> None:
    said = write(tmp_path / name, text.encode("latin-1"))
    for more in ([], ["--dry-run"]):
        result = add(photos, "--metadata", said, *more)
        assert result.exit_code == 2
        assert why in result.stderr.replace("\n", " ")


# Dry runs


def test_a_dry_run_sends_nothing(add: Add, photos: Path, mark: str, similarity: Similarity) -> None:
    write(photos / "cats" / f"{mark}-a.png", picture(9))
    before = similarity.stats().images
    result = run_line("http://127.0.0.1:9", "add", photos, "-r", "--dry-run", "--json")
    assert result.exit_code == 1
    planned = {line["path"]: line for line in lines(result)}
    first = planned[str(photos / f"{mark}-a.jpg")]
    assert first["id"] == f"{mark}-a"
    assert first["bytes"] == len(picture(1))
    second = planned[str(photos / "cats" / f"{mark}-a.png")]
    assert (second["word"], second["id"]) == ("duplicate_image_id", f"{mark}-a")
    assert "3 images of" in result.stderr
    assert "1 would fail" in result.stderr
    assert similarity.stats().images == before
    shown = run_line("http://127.0.0.1:9", "add", photos, "--dry-run", "--id-from", "sha256")
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) == 2


# Rubbish


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nowhere.jpg"],
        [".", "--parallel", "0"],
        [".", "--parallel", "many"],
        [".", "--on-error", "panic"],
        [".", "--metadata", "nowhere.json"],
        [".", "--errors", "."],
        [".", "--errors", "no/such/folder"],
        [".", "--wait"],
        [".", "--watch", "--train"],
        [".", "--watch", "--dry-run"],
        ["-", "-"],
        ["-", "--watch"],
        [".", "--unknown"],
    ],
)
def test_a_line_that_makes_no_sense_is_a_usage_error(
    add: Add, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = add(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.output


def test_files_that_can_not_be_read_fail_alone(
    add: Add, photos: Path, mark: str, tmp_path: Path
) -> None:
    (photos / f"{mark}-loop.jpg").symlink_to(photos / f"{mark}-loop.jpg")
    write(photos / f"{mark}-empty.jpg", b"")
    write(photos / f"{mark} 50%.jpg", picture(1))
    errors = tmp_path / "errors"
    result = add(photos, "--errors", errors)
    assert result.exit_code == 1
    assert states(result) == {
        f"{mark}-a": "added",
        f"{mark}-b": "added",
        f"{mark}-empty": "data_payload_required",
        f"{mark}-loop": "file_unreadable",
        f"{mark} 50%": "wrong_arguments_format",
    }
    kept = [json.loads(line) for line in errors.read_text().splitlines()]
    assert {line["path"] for line in kept} == {
        str(photos / f"{mark}-empty.jpg"),
        str(photos / f"{mark}-loop.jpg"),
        str(photos / f"{mark} 50%.jpg"),
    }
    assert all(line["word"] and line["detail"] for line in kept)


def test_it_stops_at_the_first_failure_where_that_is_asked_for(
    add: Add, tmp_path: Path, mark: str
) -> None:
    for number in range(90):  # a group, which is sent in its order
        write(tmp_path / f"{mark}-{number:03}.jpg", b"none" if number == 2 else picture(number))
    result = add(tmp_path, "--on-error", "stop", "--parallel", "2")
    assert result.exit_code == 1
    assert "the same line again goes on" in result.stderr
    summary = lines(result)[-1]
    assert summary["failed"] == 1
    assert summary["added"] < 80


# The task


@pytest.mark.long
def test_a_task_is_asked_for_and_waited_for(
    add: Add, served: Stack, photos: Path, mark: str, similarity: Similarity
) -> None:
    result = add(photos, "--update", "--wait")
    assert result.exit_code == 0, result.output
    task_id = lines(result)[-1]["task_id"]
    assert similarity.status(task_id).status == "ok"
    assert similarity.get(f"{mark}-a").id
    result = run_line(served.url, "add", photos / "cats", "--train")
    assert result.exit_code == 0
    assert similarity.wait(result.stdout.strip()).kind == "train"


# How it ends


def service(answer: Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
    def script(asked: Asked) -> Answer:
        if asked.path.startswith("/similarity/images/check"):
            found = [{"id": each["id"], "state": "missing"} for each in json.loads(asked.body)]
            return ok(images=found)
        return answer(asked)

    return script


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error(401, "key_required"), 4),
        (error(403, "scope_missing"), 4),
        (error(507, "storage_full"), 3),
        (error(503, "too_busy", {"Retry-After": "600"}), 3),
        (error(429, "rate_limited", {"Retry-After": "600"}), 3),
        (error(404, "unknown_path"), 2),
    ],
)
def test_a_service_that_takes_nothing_ends_it(photos: Path, answer: Answer, code: int) -> None:
    with peer(service(lambda _: answer)) as other:
        result = run_line(other.url, "add", photos)
    assert result.exit_code == code
    assert "the same line again goes on where this ended" in result.stderr
    assert f"error: {answer.body['message']}" in result.stderr
    assert "Traceback" not in result.output


def test_a_service_that_is_away_ends_it(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("similarity_client.driving.time.sleep", lambda _: None)
    with peer(service(lambda _: Answer(DROPPED))) as other:
        result = run_line(other.url, "add", photos)
    assert result.exit_code == 3
    assert "no answer in 5 attempts" in result.stderr


def begun(url: str, *words: str | Path) -> "subprocess.Popen[str]":
    env = os.environ | {"SIMILARITY_URL": url, "HOME": "/nonexistent"}
    line = [sys.executable, "-m", "tests.client.interruptible", *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True)


def test_after_ctrl_c_what_is_in_flight_comes_to_its_end(tmp_path: Path) -> None:
    for number in range(500):
        write(tmp_path / f"{number}.jpg", picture(number % 7))
    flying, going = threading.Semaphore(0), threading.Event()

    def answer(asked: Asked) -> Answer:
        flying.release()
        going.wait(60)
        return ok(id="1")

    with peer(service(answer)) as other:
        process = begun(other.url, "add", tmp_path, "--json", "--parallel", "4")
        for _ in range(4):
            assert flying.acquire(timeout=60)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = next(line for line in process.stderr if "Ctrl-C again" in line)
        assert "finishing what is in flight" in said
        going.set()
        out, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out.splitlines()[-1])["added"] == 4
    assert "the same line again goes on where this ended" in rest


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", picture(1))
    flying, going = threading.Event(), threading.Event()

    def answer(asked: Asked) -> Answer:
        flying.set()
        going.wait(60)
        return ok(id="1")

    with peer(service(answer)) as other:
        process = begun(other.url, "add", tmp_path)
        assert flying.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        next(line for line in process.stderr if "Ctrl-C again" in line)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        going.set()
        process.communicate()
    assert process.returncode == 130


# Watching


@pytest.fixture
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LOOK_S", 0.05)


def test_a_folder_is_watched(
    served: Stack, tmp_path: Path, mark: str, similarity: Similarity
) -> None:
    folder = tmp_path / "folder"
    write(folder / f"{mark}-a.jpg", picture(1))
    process = begun(served.url, "add", folder, "--watch", "--overwrite", "-r")
    try:
        until(lambda: is_there(similarity, f"{mark}-a"), "a")
        write(folder / "new" / f"{mark}-b.jpg", picture(2))
        write(folder / f"{mark}-a.jpg", picture(3))
        until(lambda: is_there(similarity, f"{mark}-b"), "b")
        until(lambda: similarity.original(f"{mark}-a").content == picture(3), "a anew")
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "3 images: 3 added" in said


def is_there(similarity: Similarity, image_id: str) -> bool:
    return similarity.check({image_id: "0" * 64}).of("missing") == ()


def until(holds: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def test_a_file_that_is_still_written_waits(tmp_path: Path, quick_looks: None) -> None:
    path = write(tmp_path / "a.jpg", b"half")
    stopped = threading.Event()
    found = watching.watched(Chosen([tmp_path], Wanted(), False), stopped, print)
    assert looked(found) == []
    write(path, b"half and half")
    assert looked(found) == []
    assert looked(found) == [path]
    assert looked(found) == []
    write(path, b"changed later")
    assert looked(found) == []
    assert looked(found) == [path]
    path.unlink()
    assert looked(found) == []
    stopped.set()
    assert list(found) == []


def looked(found: Iterator[Any]) -> list[Path]:
    """The paths of one look."""
    return [entry.path for entry in iter(lambda: next(found), None)]


# The page


def test_the_lines_of_the_page_run(
    served: Stack, tmp_path: Path, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("cat.jpg"), picture(1))
    write(Path("dog.jpg"), picture(2))
    write(Path("photos", "cats", f"{mark}.jpg"), picture(3))
    write(Path("prices.csv"), b"id,price\ncat,3\n")
    write(Path("more", f"{mark}-more.jpg"), picture(4))
    shutil.make_archive("photos", "zip", "photos")
    shutil.make_archive("more", "gztar", "more")
    page = (ROOT / "docs" / "client.md").read_text()
    [block] = re.findall(r"^### Add images\n\n((?:    .*\n)+)", page, re.M)
    for line in block.splitlines():
        before, said = line.split("similarity ")
        stdin = picture(1) if before.strip() == "cat cat.jpg |" else b""
        result = run_line(served.url, *shlex.split(said), stdin=stdin)
        assert result.exit_code == 0, f"{line}: {result.output}"
    assert len(block.splitlines()) == 5
