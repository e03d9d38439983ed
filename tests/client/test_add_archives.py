"""`similarity add` of tars, zips and what comes through a pipe; damaged ones, and large ones."""

import gzip
import io
import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from similarity_client import Similarity
from similarity_client.cli.sources import zip_directory
from similarity_client.cli.sources.part import Archive

from local.stack import ROOT, Stack
from tests.client.command import lines, run_line, states
from tests.support.calls import picture, unused

Files = dict[str, bytes]
Add = Callable[..., Any]


@pytest.fixture
def add(served: Stack) -> Add:
    """Runs `similarity add --json --id-from path` against the stack."""
    line = ("add", "--json", "--id-from", "path")
    return lambda *words, **more: run_line(served.url, *line, *words, **more)


@pytest.fixture
def files(mark: str) -> Files:
    """What is in an archive."""
    return {
        f"{mark}/a.jpg": picture(1),
        f"{mark}/cats/b.png": picture(2),
        f"{mark}/cats/ü.jpg": picture(3),
        f"{mark}/notes.txt": b"notes",
        f"__MACOSX/{mark}/._a.jpg": b"clutter",
    }


def tar(files: Files, mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zipped(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


KINDS: dict[str, Callable[[Files], bytes]] = {
    "photos.tar": tar,
    "photos.tar.gz": lambda files: tar(files, "w:gz"),
    "photos.tar.bz2": lambda files: tar(files, "w:bz2"),
    "photos.tar.xz": lambda files: tar(files, "w:xz"),
    "photos.zip": zipped,
    "stored.zip": lambda files: zipped(files, zipfile.ZIP_STORED),
    "bzip2.zip": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "lzma.zip": lambda files: zipped(files, zipfile.ZIP_LZMA),
    "behind.zip": lambda files: b"#!/bin/sh\n" * 99 + zipped(files),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_images_of_an_archive_are_added_once(
    add: Add, served: Stack, files: Files, mark: str, tmp_path: Path, kind: str
) -> None:
    archive = tmp_path / kind
    archive.write_bytes(KINDS[kind](files))
    before = sorted(tmp_path.rglob("*"))
    added = add(archive)
    assert added.exit_code == 0, added.output
    ids = [f"{mark}:a", f"{mark}:cats:b", f"{mark}:cats:ü"]
    assert states(added) == dict.fromkeys(ids, "added")
    assert {line["path"] for line in lines(added)[:-1]} == {
        str(archive / name) for name in list(files)[:3]
    }
    again = add(archive)
    assert states(again) == dict.fromkeys(ids, "same")
    assert lines(again)[-1]["sent_bytes"] == 0
    with Similarity(served.url) as stored:
        assert stored.original(f"{mark}:cats:b").content == picture(2)
    assert sorted(tmp_path.rglob("*")) == before
    some = run_line(served.url, "add", archive, "--dry-run", "--exclude", "cats", "--json")
    assert [line["id"] for line in lines(some)] == ["a"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "behind.zip"])
def test_an_archive_may_come_through_a_pipe(add: Add, files: Files, mark: str, kind: str) -> None:
    result = add("-", stdin=KINDS[kind](files))
    ids = [f"{mark}:a", f"{mark}:cats:b", f"{mark}:cats:ü"]
    assert states(result) == dict.fromkeys(ids, "added")
    assert states(add("-", stdin=KINDS[kind](files))) == dict.fromkeys(ids, "same")


def test_an_image_may_come_through_a_pipe(add: Add, served: Stack) -> None:
    content = picture(1) + unused().encode()
    result = run_line(served.url, "add", "--json", "-", stdin=content)
    [(image_id, state)] = states(result).items()
    assert state == "added"
    with Similarity(served.url) as stored:
        assert stored.get(image_id).sha256 == image_id
    assert states(add("-", stdin=b"")).popitem()[1] == "data_payload_required"


# What is wrong with archives


@pytest.mark.parametrize("make", [tar, zipped, lambda files: tar(files, "w:gz")])
def test_a_name_that_leads_out_fails_alone(
    add: Add, mark: str, tmp_path: Path, make: Callable[[Files], bytes]
) -> None:
    names = ["../out.jpg", "/out.jpg", "a/../../out.jpg", "..\\out.jpg", f"{mark}.jpg"]
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    archive = folder / "archive"
    archive.write_bytes(make(dict.fromkeys(names, picture(1))))
    result = add(archive)
    assert result.exit_code == 1
    found = [line.get("word") or line["state"] for line in lines(result)[:-1]]
    assert sorted(found) == [*["added"], *["archive_reading_error"] * 4]
    assert result.stderr.count("leads out of the archive") == 4
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [archive]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_archive_fails_in_lines(
    add: Add, tmp_path: Path, mark: str, kind: str, seed: int
) -> None:
    chance = random.Random(f"{kind} {seed}")
    whole = bytearray(KINDS[kind]({f"{mark}-{n}.jpg": picture(n) for n in range(5)}))
    if seed % 2:
        whole = whole[: chance.randrange(600, len(whole) - 200)]
    else:
        at = chance.randrange(len(whole) - 100)
        whole[at : at + 60] = chance.randbytes(60)
    archive = tmp_path / kind
    archive.write_bytes(whole)
    for words, stdin in (([archive], b""), (["-"], bytes(whole))):
        result = add(*words, stdin=stdin)
        assert result.exit_code in (0, 1), result.output
        assert "Traceback" not in result.output
        assert all(line.get("detail", "one") for line in lines(result))
        if seed % 2:
            assert result.exit_code == 1, "a cut was not seen"


@pytest.mark.parametrize("ending", [".zip", ".tar", ".tar.gz"])
def test_what_is_no_archive_fails_in_one_line(add: Add, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"photos{ending}"
    path.write_bytes(b"no archive at all" * 99 if ending != ".tar.gz" else gzip.compress(b"none"))
    result = add(path)
    assert result.exit_code == 1
    assert states(result) == {str(path): "archive_reading_error"}
    assert result.stderr.count("failed: ") == 1


def test_links_and_encrypted_members_fail_alone(add: Add, tmp_path: Path, mark: str) -> None:
    archive = tmp_path / "links.tar"
    with tarfile.open(archive, "w") as opened:
        link = tarfile.TarInfo(f"{mark}-link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    assert list(states(add(archive)).values()) == ["archive_reading_error"]
    content = bytearray(zipped({f"{mark}-a.jpg": picture(1)}))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    locked = tmp_path / "locked.zip"
    locked.write_bytes(content)
    assert list(states(add(locked)).values()) == ["archive_reading_error"]


@pytest.mark.long
def test_a_zip_of_many_names_is_read_as_zipfile_wrote_it(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000):  # more than the old format has room for
            archive.writestr(f"{number}.jpg", b"")
        wanted = [(each.filename, each.header_offset) for each in archive.infolist()]
    found = zip_directory.members(Archive(path), path.stat().st_size)
    assert [(each.filename, each.header_offset) for each in found] == wanted


# Memory


# Not ru_maxrss: Linux lets it begin at what the process had that began this one.
COUNT = """
import sys
from pathlib import Path
from similarity_client.cli.root import root
try:
    root.main(sys.argv[1:], standalone_mode=False)
finally:
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    print(status["VmHWM"].split()[0], file=sys.stderr)
"""


@pytest.mark.long
@pytest.mark.parametrize("kind", ["photos.tar", "photos.tar.gz", "photos.zip", "-"])
def test_memory_stays_the_same_however_large_an_archive_is(tmp_path: Path, kind: str) -> None:
    """A dry run that hashes 80 MB takes no more memory than one of 10 MB, but for a little."""
    peaks = []
    for count in (10, 80):
        archive = tmp_path / "photos"
        fill(archive, count, "photos.tar.gz" if kind == "-" else kind)
        line = ["add", "--dry-run", "--id-from", "sha256", "--exclude", "none"]
        with archive.open("rb") as stdin:
            done = subprocess.run(
                [sys.executable, "-c", COUNT, *line, "-" if kind == "-" else str(archive)],
                cwd=ROOT,
                stdin=stdin if kind == "-" else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
            )
        assert f"{count} images of {count << 20:,} bytes" in done.stderr
        peaks.append(int(done.stderr.splitlines()[-1]))
    assert peaks[1] < peaks[0] + (40 << 10)


def fill(path: Path, count: int, kind: str) -> None:
    content = bytes(1 << 20)
    if kind == "photos.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for number in range(count):
                archive.writestr(f"{number}.jpg", content)
        return
    with (
        tarfile.open(path, "w:gz", compresslevel=1)
        if kind.endswith("gz")
        else tarfile.open(path, "w")
    ) as archive:
        for number in range(count):
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
