"""Any archive comes out as it was packed; any bytes at all do no harm."""

import io
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from typing import IO

from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import (
    ArchiveUnreadable,
    BatchTooLarge,
    ImageTooLarge,
    SimilarityError,
    WrongArguments,
)
from sidecar.images.archives import files
from sidecar.images.archives.members import BatchRules, File
from sidecar.images.archives.zips import MAX_DIRECTORY_BYTES
from sidecar.images.names import CLUTTER, is_clutter

RULES = BatchRules(70, 400, max_files=200)
Members = list[tuple[str, bytes]]
Pack = Callable[[Members], bytes]

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00/\\"), min_size=1, max_size=9)
PATHS = st.lists(NAMES | st.sampled_from([*CLUTTER, ".."]), min_size=1, max_size=3).map("/".join)
CONTENTS = st.binary(max_size=24) | st.integers(60, 80).map(bytes)
MEMBERS = st.lists(st.tuples(PATHS, CONTENTS), max_size=7)


def tar(members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def gnu_tar(members: Members) -> bytes:
    return tar(members, tarfile.GNU_FORMAT)


def deflated(members: Members, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore")  # of the same name twice, which is what clients may send
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def stored(members: Members) -> bytes:
    return deflated(members, zipfile.ZIP_STORED)


PACKS: st.SearchStrategy[Pack] = st.sampled_from([tar, gnu_tar, deflated, stored])


class Watched(io.BytesIO):
    """A file that knows the largest piece that was ever asked of it; -1 is all."""

    asked = 0

    def read(self, size: int | None = -1) -> bytes:
        self.asked = max(self.asked, len(self.getvalue()) if size is None or size < 0 else size)
        return super().read(size)


def read(file: IO[bytes]) -> tuple[list[File], SimilarityError | None]:
    """What came out of it, and what it ended with."""
    found: list[File] = []
    try:
        for each in files(file, RULES):
            found.append(each)
    except (ArchiveUnreadable, BatchTooLarge) as error:
        return found, error
    return found, None


@given(MEMBERS, PACKS)
@example([("a", bytes(70))] * 7, deflated)
def test_what_was_packed_comes_out_in_its_order(members: Members, pack: Pack) -> None:
    if sum(len(content) for _, content in members) > RULES.max_batch_bytes:
        does_no_harm(pack(members))
        return
    found, error = read(io.BytesIO(pack(members)))
    wanted = [m for m in members if not is_clutter(m[0])]
    assert [each.name for each in found] == [name for name, _ in wanted]
    for each, (_, content) in zip(found, wanted, strict=True):
        if len(content) > RULES.max_image_bytes:
            assert isinstance(each.content, ImageTooLarge)
        else:
            assert each.content == content
    # An archive of nothing is no trouble, but that Python's empty tar is nothing but zeros.
    assert error is None or (not members and isinstance(error, ArchiveUnreadable))


@given(MEMBERS, PACKS, st.data())
def test_a_damaged_archive_does_no_harm(members: Members, pack: Pack, data: st.DataObject) -> None:
    archive = bytearray(pack(members))
    at = st.integers(0, len(archive) - 1)
    for place, byte in data.draw(st.lists(st.tuples(at, st.integers(0, 255)), max_size=6)):
        archive[place] = byte
    does_no_harm(bytes(archive[: data.draw(st.just(len(archive)) | at)]))


@given(st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"0" * 257 + b"ustar"]), st.binary())
def test_any_bytes_do_no_harm(head: bytes, rest: bytes) -> None:
    does_no_harm(head + rest)


def does_no_harm(archive: bytes) -> None:
    """Every file that comes out keeps to the rules, and nothing is raised that is not ours."""
    watched = Watched(archive)
    found, _ = read(watched)
    whole = [each.content for each in found if isinstance(each.content, bytes)]
    assert all(isinstance(each.content, bytes | SimilarityError) for each in found)
    assert all(len(content) <= RULES.max_image_bytes for content in whole)
    assert sum(map(len, whole)) <= RULES.max_batch_bytes
    assert watched.asked <= max(MAX_DIRECTORY_BYTES, RULES.max_image_bytes + 1) + 1


def with_holes(count: int, size: int) -> bytes:
    """A tar of files that are nothing but a hole, as GNU tar writes sparse ones: a header each."""
    info = tarfile.TarInfo("hole.jpg")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"%011o\x00" % size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    return bytes(header) * count + bytes(1024)


@given(st.integers(1, 30), st.integers(0, 80))
@example(30, 70)
def test_files_whose_holes_were_left_out_fail_alone(count: int, size: int) -> None:
    archive = with_holes(count, size)
    found, error = read(io.BytesIO(archive))
    does_no_harm(archive)
    assert error is None
    assert [type(each.content) for each in found] == [WrongArguments] * count
