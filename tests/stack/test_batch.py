"""Many images in one request: POST /similarity/add_batch."""

import io
import json
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests

from local.stack import Stack
from tests.support.archives import tar, zipped
from tests.support.calls import failure, jpeg, unused

MAX_IMAGE_BYTES = 2 << 20  # of `tiny_stack`


@pytest.fixture
def stack(tiny_stack: Stack) -> Stack:
    """Nothing here is a matter of the model."""
    return tiny_stack


ADD_BATCH = "/similarity/add_batch"


def lines(response: requests.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def outcomes(response: requests.Response) -> dict[str, str]:
    """What became of each name: its id, or the word of its error."""
    return {
        line["name"]: line["id"] if line["status"] == "ok" else line["message"]
        for line in lines(response)
    }


def told(response: requests.Response) -> list[str]:
    """The same in order."""
    return [line.get("message") or line["id"] for line in lines(response)]


def send(stack: Stack, files: dict[str, bytes], query: str = "") -> requests.Response:
    parts = [("data", (name, content)) for name, content in files.items()]
    return stack.call("POST", f"{ADD_BATCH}{query}", files=parts)


def test_every_file_is_added_under_its_name_without_the_ending(stack: Stack) -> None:
    mark = unused()
    files = {f"{mark}-{n}.jpg": jpeg((n, n, n)) for n in range(100)}
    answer = lines(send(stack, files))
    assert answer == [
        {"status": "ok", "id": name.removesuffix(".jpg"), "name": name} for name in files
    ]
    assert stack.get(f"/similarity/images/{mark}-99").status_code == 200


@pytest.mark.parametrize("pack", [tar, zipped])
@pytest.mark.parametrize("as_field", [True, False])
def test_an_archive_is_a_batch_as_a_field_or_as_the_whole_body(
    stack: Stack, pack: Any, as_field: bool
) -> None:
    mark = unused()
    archive = pack({f"cats/{mark}-{n}.jpeg": jpeg((n, 0, 0)) for n in range(20)})
    if as_field:
        response = send(stack, {"photos": archive})
    else:
        response = stack.call("POST", ADD_BATCH, data=archive)
    assert list(outcomes(response).values()) == [f"{mark}-{n}" for n in range(20)]


def test_one_bad_image_fails_alone(stack: Stack) -> None:
    mark = unused()
    files = {
        f"{mark}-1.jpg": jpeg(),
        f"{mark}-2.jpg": b"no image",
        f"{mark}-3.jpg": b"",
        f"{mark}-4.jpg": b"\xff" * (MAX_IMAGE_BYTES + 1),
        "100%.jpg": jpeg(),
        f"{mark}-1.png": jpeg((9, 9, 9)),
        f"{mark}-5.jpg": jpeg(),
    }
    expected = [
        f"{mark}-1",
        "image_reading_error",
        "image_reading_error",
        "image_too_large",
        "wrong_arguments_format",
        "duplicate_image_id",
        f"{mark}-5",
    ]
    assert told(send(stack, files)) == expected
    expected[0] = expected[-1] = "duplicate_image_id"
    assert told(send(stack, {"archive.tar": tar(files)})) == expected


def test_a_batch_overwrites_where_it_is_asked_to(stack: Stack) -> None:
    name = unused()
    send(stack, {f"{name}.jpg": jpeg((1, 1, 1))})
    again = lines(send(stack, {f"{name}.jpg": jpeg((2, 2, 2))}))
    assert (again[0]["message"], again[0]["identical"]) == ("duplicate_image_id", False)
    overwritten = send(stack, {f"{name}.jpg": jpeg((2, 2, 2))}, "?overwrite=true")
    assert outcomes(overwritten) == {f"{name}.jpg": name}


def test_names_that_lead_elsewhere_links_and_bombs_are_refused(stack: Stack) -> None:
    mark = unused()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in (f"../{mark}.jpg", f"/{mark}.jpg", f"{mark}-good.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(jpeg())
            archive.addfile(info, io.BytesIO(jpeg()))
        link = tarfile.TarInfo(f"{mark}-link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert list(outcomes(send(stack, {"x.tar": out.getvalue()})).values()) == [
        "wrong_arguments_format",
        "wrong_arguments_format",
        f"{mark}-good",
        "wrong_arguments_format",
    ]
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("bomb.jpg", b"\0" * 100_000_000)
    assert outcomes(send(stack, {"bomb.zip": bomb.getvalue()})) == {"bomb.jpg": "image_too_large"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (400, "data_payload_required")),
        (b"neither tar nor zip", (400, "archive_reading_error")),
        (zipped({"a.jpg": b"x"})[:-10], (400, "archive_reading_error")),
    ],
)
def test_what_is_no_batch_is_refused(stack: Stack, body: bytes, expected: tuple[int, str]) -> None:
    assert failure(stack.call("POST", ADD_BATCH, data=body)) == expected
    other = stack.call("POST", ADD_BATCH, files={"other": b"x"})
    assert failure(other) == (400, "data_payload_required")


def test_a_batch_that_breaks_off_tells_what_was_added(stack: Stack) -> None:
    mark = unused()
    whole = tar({f"{mark}-{n}.jpg": jpeg((n, n, 0)) for n in range(9)})
    answer = lines(send(stack, {"cut.tar": whole[:5000]}))
    assert [line["status"] for line in answer[:-1]] == ["ok"] * (len(answer) - 1)
    assert (answer[-1]["message"], answer[-1]["name"]) == ("archive_reading_error", "")
    assert len(answer) > 1


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_sends_hundreds_of_files_and_a_large_tar(
    stack: Stack, collection: dict[str, bytes], tmp_path: Path
) -> None:
    """Both ways are far over what a single image may have, and over any buffer on the way."""
    mark = unused()
    names = [f"{mark}-{name}" for name in collection]
    for name, content in zip(names, collection.values(), strict=True):
        (tmp_path / f"{name}.jpg").write_bytes(content)
    fields = [part for name in names[:100] for part in ("-F", f"data=@{name}.jpg")]
    url = f"{stack.url}/similarity/add_batch"
    assert added(["curl", "-sS", url, *fields], tmp_path) == names[:100]
    subprocess.run(["tar", "cf", "all.tar", *(f"{n}.jpg" for n in names[100:500])], cwd=tmp_path)
    assert (tmp_path / "all.tar").stat().st_size > MAX_IMAGE_BYTES
    command = ["curl", "-sS", url, "--data-binary", "@all.tar"]
    assert added(command, tmp_path) == names[100:500]


def added(command: list[str], folder: Path) -> list[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


def test_requests_sends_a_batch_without_waiting_for_ever(
    stack: Stack, collection: dict[str, bytes]
) -> None:
    """It reads nothing before it has sent everything, however long that takes."""
    mark = unused()
    some = dict(list(collection.items())[:400])
    answer = outcomes(send(stack, {f"{mark}-{n}.jpg": content for n, content in some.items()}))
    assert list(answer.values()) == [f"{mark}-{name}" for name in some]


def test_a_chunked_batch_is_read(stack: Stack) -> None:
    mark = unused()
    archive = tar({f"{mark}-{n}.jpg": jpeg((0, n, n)) for n in range(5)})
    pieces = (archive[start : start + 700] for start in range(0, len(archive), 700))
    response = stack.call("POST", ADD_BATCH, data=pieces)
    assert list(outcomes(response).values()) == [f"{mark}-{n}" for n in range(5)]


def test_a_batch_over_the_limit_is_refused(stack: Stack) -> None:
    headers = {"Content-Length": str(200 << 20), "Expect": "100-continue"}
    response = stack.call("POST", ADD_BATCH, headers=headers)
    assert failure(response) == (413, "batch_too_large")
    assert list((stack.folder).glob("tmp*")) == []
