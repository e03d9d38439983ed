"""What is in an archive is read; what is made to do harm is refused."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from sidecar.errors import ArchiveUnreadable, BatchTooLarge, SimilarityError, WrongArguments
from sidecar.images.archives import files, is_archive
from sidecar.images.archives.members import BatchRules, File
from sidecar.images.names import id_of
from tests.support.archives import Packed, tar, zipped

RULES = BatchRules(1000, 20_000, max_files=200)


def read(archive: bytes) -> list[File]:
    return list(files(io.BytesIO(archive), RULES))


def words(found: list[File]) -> dict[str, object]:
    """The content of each file, or the word of its error."""
    return {
        f.name: f.content.word if isinstance(f.content, SimilarityError) else f.content
        for f in found
    }


@pytest.mark.parametrize("pack", [tar, zipped])
def test_files_come_in_their_order_and_folders_are_passed_over(
    pack: Callable[[Packed], bytes],
) -> None:
    members = {"b.jpg": b"b", "cats/a.jpg": b"a", "__MACOSX/cats/._a.jpg": b"x", "empty": b""}
    archive = pack(members)
    assert is_archive(archive[:512])
    assert list(words(read(archive)).items()) == [
        ("b.jpg", b"b"),
        ("cats/a.jpg", b"a"),
        ("empty", b""),
    ]


@pytest.mark.parametrize("pack", [tar, zipped])
def test_a_file_that_is_too_large_fails_alone(pack: Callable[[Packed], bytes]) -> None:
    archive = pack({"a": b"a", "big": b"0" * 1001, "c": b"c" * 1000})
    assert words(read(archive)) == {"a": b"a", "big": "image_too_large", "c": b"c" * 1000}


def test_a_zip_that_lies_about_a_size_is_read_no_further_than_is_allowed() -> None:
    archive = bytearray(zipped({"bomb": b"0" * 1_000_000}))
    for where in (22, archive.rindex(b"PK\x01\x02") + 24):  # both headers: uncompressed size
        archive[where : where + 4] = struct.pack("<I", 10)
    assert words(read(bytes(archive))) == {"bomb": "archive_reading_error"}


def test_a_zip_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(BatchTooLarge):
        read(zipped({str(n): b"0" * 1000 for n in range(21)}))


def test_a_zip_whose_files_overlap_is_refused() -> None:
    """As in D. Fifield, "A better zip bomb", 2019: many names for the same compressed bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("one", b"0" * 900)
        [one] = archive.infolist()
        for n in range(20):
            again = zipfile.ZipInfo(f"again-{n}")
            for field in ("header_offset", "compress_size", "file_size", "CRC"):
                setattr(again, field, getattr(one, field))
            archive.filelist.append(again)
    with pytest.raises(ArchiveUnreadable, match="overlap"):
        read(out.getvalue())


def test_links_and_devices_in_a_tar_are_refused() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
        for number, kind in enumerate(kinds):
            info = tarfile.TarInfo(f"link-{number}.jpg")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    found = words(read(out.getvalue()))
    assert found == {f"link-{n}.jpg": "wrong_arguments_format" for n in range(4)}


def test_links_and_secrets_in_a_zip_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("plain.jpg", b"plain")
    secret = bytearray(zipped({"secret.jpg": b"secret"}))
    for where in (6, secret.rindex(b"PK\x01\x02") + 8):
        secret[where] |= 1
    assert words(read(out.getvalue())) == {
        "link.jpg": "wrong_arguments_format",
        "plain.jpg": b"plain",
    }
    assert words(read(bytes(secret))) == {"secret.jpg": "wrong_arguments_format"}


def test_a_header_that_asks_for_gigabytes_is_refused() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 5 << 30  # a list of attributes, which is read whole
    with pytest.raises(ArchiveUnreadable):
        read(info.tobuf(tarfile.GNU_FORMAT) + b"0" * 2000)


@pytest.mark.parametrize("pack", [tar, zipped])
def test_a_damaged_archive_is_reported_after_what_was_whole(
    pack: Callable[[Packed], bytes],
) -> None:
    archive = pack({"a": b"a" * 900, "b": bytes(range(256)) * 3})
    with pytest.raises(ArchiveUnreadable):
        read(archive[:1100] if pack is tar else archive[:-30])
    with pytest.raises(ArchiveUnreadable):
        read(archive[: 3 * 512] if pack is tar else archive[:100])


def test_a_damaged_file_in_a_zip_fails_alone() -> None:
    archive = bytearray(zipped({"a": bytes(range(256)), "b": b"b"}))
    archive[100] ^= 0xFF
    assert words(read(bytes(archive))) == {"a": "archive_reading_error", "b": b"b"}


@pytest.mark.parametrize("rubbish", [b"", b"no archive", b"\x1f\x8b" + b"0" * 600, b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(rubbish: bytes) -> None:
    with pytest.raises(ArchiveUnreadable):
        read(rubbish)


def test_an_id_is_the_name_without_folders_and_ending() -> None:
    names = {"tom.jpg": "tom", "cats/tom.v2.jpeg": "tom.v2", "dir\\ä.png": "ä", "plain": "plain"}
    assert {name: id_of(name) for name in names} == names


@pytest.mark.parametrize(
    "name", ["../a.jpg", "/etc/a.jpg", "a/../../b.jpg", "C:\\a.jpg", "\\\\host\\a.jpg", "100%.jpg"]
)
def test_names_that_lead_elsewhere_or_are_no_ids_are_refused(name: str) -> None:
    with pytest.raises(WrongArguments):
        id_of(name)
