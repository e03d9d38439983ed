"""What an archive may cost is bounded, whatever it says of itself and whatever Python reads it."""

import gzip
import io
import itertools
import signal
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO

import pytest
from backports import zstd

from sidecar.errors import ArchiveUnreadable, BatchTooLarge, SimilarityError, WrongArguments
from sidecar.images.archives import decompression, files, is_archive
from sidecar.images.archives.members import BatchRules, File
from tests.support.archives import tar, zipped

MEBIBYTE = 1 << 20
RULES = BatchRules(max_image_bytes=MEBIBYTE, max_batch_bytes=1 << 30, max_files=1000)
FULL = BatchRules(max_image_bytes=32 * MEBIBYTE, max_batch_bytes=1 << 34, max_files=100_000)
MEMBERS = {"cats/tom.jpg": b"tom", "dogs/rex.jpg": bytes(range(256)) * 40, "empty": b""}


class TooSlowError(BaseException):
    """Passes by what takes any Exception for a damaged archive."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Ends what takes more processor time, in the middle."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def memory(most_bytes: int) -> Iterator[None]:
    """Checks that no more was allocated at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most_bytes
    finally:
        tracemalloc.stop()


def read(archive: bytes, rules: BatchRules = RULES) -> dict[str, object]:
    """The content of each file, or the word of its error."""
    return {
        file.name: file.content.word if isinstance(file.content, SimilarityError) else file.content
        for file in files(io.BytesIO(archive), rules)
    }


def header(name: str = "x", size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, max(0, size)
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    if size < 0:  # in base 256, which tarfile reads and does not write
        block[124:136] = b"\xff" + (size % (1 << 88)).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\x00 " % sum(block)
    return bytes(block)


def attributes(content: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    return header("attributes", len(content), kind) + content + bytes(-len(content) % 512)


def record(key: bytes, value: bytes) -> bytes:
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + len(str(len(rest) + 2))
    return b"%d" % length + rest


END = bytes(1024)


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_a_compressed_tar_is_read_as_the_tar(compress: object) -> None:
    assert callable(compress)
    archive = compress(tar(MEMBERS))
    assert is_archive(archive[:512])
    assert read(archive) == MEMBERS


def test_a_gzip_in_several_pieces_is_one() -> None:
    packed = tar(MEMBERS)
    pieces = (packed[:700], packed[700:])
    assert read(b"".join(map(gzip.compress, pieces)) + bytes(100)) == MEMBERS


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_a_compressed_tar_that_is_cut_short_gives_what_was_whole(compress: object) -> None:
    assert callable(compress)
    noise = b"".join(bytes((n * n * n // 7 % 256,)) for n in range(5000))
    archive = compress(tar({"a": noise, "b": noise[::-1]}))
    found = []
    with pytest.raises(ArchiveUnreadable):
        for file in files(io.BytesIO(archive[: len(archive) * 3 // 4]), RULES):
            found.append(file.name)
    assert found == ["a"] or compress is zstd.compress  # which gives nothing of half a block


def test_what_is_compressed_and_no_tar_is_refused() -> None:
    for archive in (gzip.compress(b"no tar" * 200), zstd.compress(b"no tar")):
        with pytest.raises(ArchiveUnreadable, match="no tar"):
            read(archive)


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress])
def test_a_compressed_tar_unpacks_so_far_and_no_further(
    compress: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(compress)
    monkeypatch.setattr(decompression, "FREE_BYTES", MEBIBYTE)
    bomb = compress(header("zeros", 12 * MEBIBYTE) + bytes(12 * MEBIBYTE) + header("more") + END)
    with memory(4 * MEBIBYTE), pytest.raises(ArchiveUnreadable, match="bomb"):
        read(bomb)


def test_a_zstd_that_wants_much_memory_is_refused() -> None:
    wide = {int(zstd.CompressionParameter.window_log): 27}
    compressor = zstd.ZstdCompressor(options=wide)
    archive = compressor.compress(tar(MEMBERS)) + compressor.flush()
    with pytest.raises(ArchiveUnreadable, match="memory"):
        read(archive)


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_a_zip_is_read_by_every_method_in_little_memory(method: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
        archive.writestr("bomb", bytes(6 * MEBIBYTE))
    lying = bytearray(out.getvalue())
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):  # the last one of each: its size
        where = lying.rindex(mark) + at
        lying[where : where + 4] = struct.pack("<I", 10)
    packed = bytes(lying)
    with memory(3 * MEBIBYTE):
        found = read(packed)
    assert found == MEMBERS | {"bomb": "archive_reading_error"}


def test_a_zip_by_another_method_names_it() -> None:
    archive = bytearray(zipped({"a.jpg": b"a"}))
    where = archive.rindex(b"PK\x01\x02") + 10
    archive[where : where + 2] = struct.pack("<H", 98)
    [file] = files(io.BytesIO(bytes(archive)), RULES)
    assert "method 98" in str(file.content)


def directory(count: int) -> bytes:
    """A zip of nothing but names."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 2) + bytes(16) + b"ab"
    size = len(entry) * count
    return entry * count + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 9, 9, size, 0, 0)


@pytest.mark.parametrize("count", [700_000, 100_001])
def test_a_zip_of_a_hundred_thousand_names_is_refused_before_they_are_read(count: int) -> None:
    archive = b"PK\x03\x04" + directory(count)
    with (
        within(2),
        memory(40 * MEBIBYTE),
        pytest.raises(BatchTooLarge, match=r"MAX_BATCH_FILES|16 MiB"),
    ):
        read(archive, FULL)


@pytest.mark.parametrize("size", [-1, -512, -1024, -(1 << 40)])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.XHDTYPE, b"Z"])
def test_a_size_below_zero_is_refused(size: int, kind: bytes) -> None:
    archive = header("a.jpg", 3) + b"abc".ljust(512, b"\0") + header("x", size, kind) + END
    found: list[File] = []
    with within(5), pytest.raises(ArchiveUnreadable, match="below zero"):
        for file in itertools.islice(files(io.BytesIO(archive), RULES), 100):
            found.append(file)
    assert [file.content for file in found] == [b"abc"]


def test_a_size_below_zero_among_the_attributes_is_refused() -> None:
    archive = attributes(record(b"size", b"-1000000")) + header("x", 3) + END
    with within(5), pytest.raises(ArchiveUnreadable, match="below zero"):
        list(itertools.islice(files(io.BytesIO(archive), RULES), 100))


@pytest.mark.parametrize(
    "content",
    [
        b"1" * 400_000,
        b"1" * 200_000 + b" " + b"1" * 200_000,
        b"0 a=b\n" * 60_000,
        b"6 a=b\n" * 70_000,
        b"11 path=abc" + b"\n" * 400_000,
    ],
)
def test_attributes_of_400_kb_take_no_time(content: bytes) -> None:
    archive = attributes(content) + header("x.jpg", 3) + b"abc".ljust(512, b"\0") + END
    with within(3):
        try:
            found = read(archive, FULL)
        except ArchiveUnreadable:
            return
    assert found == {"x.jpg": b"abc"}


def test_attributes_of_all_files_are_not_copied_for_each() -> None:
    common = attributes(b"".join(b"11 k%04d=v\n" % n for n in range(5000)), tarfile.XGLTYPE)
    archive = common + b"".join(header(f"{n}") for n in range(1000)) + END
    with within(5):
        assert len(read(archive, FULL)) == 1000


def test_endless_headers_before_a_file_end() -> None:
    for piece in (attributes(b"6 a=b\n"), header("folder/", kind=tarfile.DIRTYPE)):
        with within(5), pytest.raises(BatchTooLarge, match="MAX_BATCH_FILES"):
            read(piece * 5000, RULES)


def test_a_long_list_of_holes_ends() -> None:
    sparse = bytearray(header("holes.jpg", 0, tarfile.GNUTYPE_SPARSE))
    sparse[482] = 1
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\x00 " % sum(sparse)
    with within(5), pytest.raises(BatchTooLarge):
        read(bytes(sparse) + (bytes(504) + b"\1" + bytes(7)) * 5000)


def test_attributes_of_many_megabytes_are_refused() -> None:
    with memory(4 * MEBIBYTE), pytest.raises(ArchiveUnreadable, match="attributes"):
        read(header("x", 30 * MEBIBYTE, tarfile.XHDTYPE) + END, FULL)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_and_names_in_every_script_are_read(form: int) -> None:
    names = ["ä ö.jpg", "漢字/हिन्दी.jpg", f"{'d' * 90}/{'e' * 90}.jpg"]
    if form != tarfile.USTAR_FORMAT:
        names.append(f"{'f/' * 200}{'語' * 50}.jpg")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))
    assert list(read(out.getvalue())) == names


def test_a_file_packed_without_its_holes_by_pax_is_no_wrong_image() -> None:
    archive = (
        attributes(record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.name", b"real/a.jpg"))
        + header("GNUSparseFile.1/name", 3)
        + b"0\n1".ljust(512, b"\0")
        + header("b.jpg")
        + END
    )
    [holes, other] = files(io.BytesIO(archive), RULES)
    assert isinstance(holes.content, WrongArguments)
    assert holes.name == "real/a.jpg"
    assert other.name == "b.jpg"


def test_one_file_is_held_at_once() -> None:
    packed = tar({f"{n}.jpg": bytes((n,)) * MEBIBYTE for n in range(40)})
    for archive in (packed, gzip.compress(packed, 1), zipped({"a": bytes(MEBIBYTE)} | MEMBERS)):
        file: IO[bytes] = io.BytesIO(archive)
        with memory(5 * MEBIBYTE):
            for each in files(file, RULES):
                assert isinstance(each.content, bytes)
                del each


@pytest.mark.parametrize("pack", [tar, zipped])
def test_what_systems_leave_behind_is_passed_over(pack: object) -> None:
    assert callable(pack)
    clutter = [
        "__MACOSX/cats/tom.jpg", "cats/._tom.jpg", ".DS_Store", "cats/Thumbs.db", "thumbs.db",
        "Desktop.ini", "cats/desktop.ini",
    ]  # fmt: skip
    assert list(read(pack(dict.fromkeys(clutter, b"x") | {"_tom.jpg": b"y"}))) == ["_tom.jpg"]


def test_a_zip_of_a_mac_has_its_names_in_utf_8_and_does_not_say_so() -> None:
    archive = bytearray(zipped({"क.jpg": b"x", "a.jpg": b"y"}))
    for at in (6, archive.index(b"PK\x01\x02") + 8):
        archive[at : at + 2] = bytes(2)
    assert list(read(bytes(archive))) == ["क.jpg", "a.jpg"]
