"""The images in a tar: each read where it lies, or one after the other out of a stream."""

import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self

from similarity_client.cli.sources.damage import failing, inner_path, reported, translated
from similarity_client.cli.sources.part import Archive, guarded
from similarity_client.cli.sources.room import Room
from similarity_client.cli.sources.wanted import Wanted
from similarity_client.errors import ArchiveReadingError, ImageTooLarge, SimilarityError
from similarity_client.photo import Source, source
from similarity_client.upload import LARGEST_BYTES, Entry

CUT = (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError)  # type: ignore[attr-defined]
Found = tuple[tarfile.TarInfo, SimilarityError | None]


def entries(path: Path, wanted: Wanted) -> Iterator[Entry]:
    """Yields the images in a tar that is not compressed.

    Raises:
        ArchiveReadingError: it is damaged.
    """
    archive = Archive(path)
    with translated(path), tarfile.open(path, "r:", tarinfo=_Strict) as opened:
        for member, refused in _wanted(opened, wanted):
            yield _entry(path, member, refused) or _placed(archive, member)


def streamed(path: Path, file: Any, wanted: Wanted, room: Room) -> Iterator[Entry]:
    """Yields the images in a tar, compressed or not, that is read onwards; each is in memory until
    it is done with, and the next ones wait until there is room.

    Args:
        path: by which the archive is reported.
    Raises:
        ArchiveReadingError: it is damaged.
    """
    with translated(path), tarfile.open(fileobj=file, mode="r|*", tarinfo=_Strict) as opened:
        for member, refused in _wanted(opened, wanted):
            if failed := _entry(path, member, refused):
                yield failed
            elif room.take(member.size):
                yield _held(path, member, opened, room)
            else:
                return


class _Strict(tarfile.TarInfo):
    """A header. A damaged one would else be taken for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except CUT as error:
            raise tarfile.ReadError("it was cut short") from error
        except tarfile.InvalidHeaderError as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"it is no tar, or damaged: {error}") from error


def _wanted(opened: tarfile.TarFile, wanted: Wanted) -> Iterator[Found]:
    """Yields the members that are wanted, each with the reason why it can't be read, if so."""
    while (member := opened.next()) is not None:
        opened.members.clear()  # type: ignore[attr-defined]  # it would remember all
        if member.isdir():
            continue
        try:
            if wanted.takes_member(inner_path(member.name)):
                yield member, _refusal(member)
        except ArchiveReadingError as error:
            yield member, error


def _refusal(member: tarfile.TarInfo) -> SimilarityError | None:
    if not member.isreg() or member.issparse():
        return ArchiveReadingError(f"{member.name} is a link, or packed with its holes left out")
    if member.size > LARGEST_BYTES:
        return ImageTooLarge(f"{member.size:,} bytes are more than any service takes")
    return None


def _entry(path: Path, member: tarfile.TarInfo, refused: SimilarityError | None) -> Entry | None:
    return None if refused is None else failing(reported(path, member.name), refused)


def _placed(archive: Archive, member: tarfile.TarInfo) -> Entry:
    path, size = reported(archive.path, member.name), member.size
    file = partial(guarded, path, partial(archive.part, member.offset_data, size))
    return Entry(path, Path(inner_path(member.name)), lambda: Source(path.name, size, file))


def _held(path: Path, member: tarfile.TarInfo, opened: tarfile.TarFile, room: Room) -> Entry:
    file = opened.extractfile(member)
    content = b"" if file is None else file.read()
    inner, size = Path(inner_path(member.name)), member.size
    held = partial(source, content)
    return Entry(reported(path, member.name), inner, held, size, partial(room.give, size))
