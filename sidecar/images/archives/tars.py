"""Reads a tar from its beginning to its end, one file at a time.

Only a header's 512 bytes are read by `tarfile`. What it does beyond that differs from one patch of
Python to the next: sizes below zero that lead it back, patterns that take it minutes.

Sources: IEEE 1003.1-2008 pax (ustar), GNU tar manual, "Tar Internals".
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from sidecar.errors import ArchiveUnreadable, WrongArguments
from sidecar.files import in_units
from sidecar.images import names
from sidecar.images.archives.members import (
    BatchRules,
    File,
    Unpacked,
    image_too_large,
    too_many_files,
)

BLOCK = tarfile.BLOCKSIZE
LABEL = b"V"  # the name of a whole GNU tar, where a file's would be
LONG_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
EXTENSIONS = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE, *LONG_NAMES)
HEADERS_OF_A_FILE = 4  # its own, one for its attributes, and a folder now and then
MOST_EXTENSION_BYTES = 1 << 20  # attributes of a file: some systems put a small icon there
EXTENSION_BYTES_OF_A_FILE = 1024  # of all files, on average
EXTENDED, EXTENDED_SPARSE = (
    482,
    504,
)  # where a sparse header, and what goes on with it, has its flag


class Source(Protocol):
    """A file that is only read onwards."""

    def read(self, size: int) -> bytes: ...
    def skip(self, size: int) -> None: ...


@dataclass(frozen=True)
class _Entry:
    """An entry under its whole name, with the bytes that follow its header."""

    header: tarfile.TarInfo
    name: str
    size: int
    is_sparse: bool


@dataclass
class _Attributes:
    """What extended headers say of the entry after them."""

    long_name: bytes = b""
    pax: dict[bytes, bytes] = field(default_factory=dict)


def files(source: Source, rules: BatchRules) -> Iterator[File]:
    """Yields the files of a tar, in its order.

    Raises:
        ArchiveUnreadable: it is damaged, cut short, or made to do harm.
        BatchTooLarge: it unpacks to too much, or has too many files.
    """
    unpacked, headers = Unpacked(rules), _Headers(source, rules)
    while (entry := headers.next_entry()) is not None:
        if entry.header.isdir() or entry.header.type == LABEL or names.is_clutter(entry.name):
            source.skip(_padded(entry.size))
            continue
        refusal = _refusal(entry, rules)
        if refusal is None:
            unpacked.add(entry.size)
            yield File(entry.name, _exactly(source, entry.size))
            source.skip(_padded(entry.size) - entry.size)
        else:
            source.skip(_padded(entry.size))
            yield File(entry.name, refusal)


def _refusal(entry: _Entry, rules: BatchRules) -> Exception | None:
    """Returns why a file can't be added, if so."""
    if entry.is_sparse:
        return WrongArguments("the file is packed with its holes left out: tar without --sparse")
    if not entry.header.isreg():
        return WrongArguments("the file is a link or a device")
    return image_too_large(rules) if entry.size > rules.max_image_bytes else None


class _Headers:
    """Reads the headers, so many and no more."""

    def __init__(self, source: Source, rules: BatchRules) -> None:
        self._source = source
        self._rules = rules
        self._left = HEADERS_OF_A_FILE * (rules.max_files + 1)
        self._extension_bytes_left = (
            EXTENSION_BYTES_OF_A_FILE * rules.max_files + MOST_EXTENSION_BYTES
        )

    def next_entry(self) -> _Entry | None:
        """Returns the next entry, None at the end of the archive."""
        attributes = _Attributes()
        while (header := self._header()) is not None:
            if header.type not in EXTENSIONS:
                return self._entry(header, attributes)
            content = self._extension(header.size)
            if header.type == tarfile.GNUTYPE_LONGNAME:
                attributes.long_name = content.partition(b"\0")[0]
            elif header.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
                attributes.pax |= _pax_records(content)
        return None

    def _header(self) -> tarfile.TarInfo | None:
        self._left -= 1
        if self._left < 0:
            raise too_many_files(self._rules)
        block = _exactly(self._source, BLOCK)
        if not block.strip(b"\0"):
            return None
        header = tarfile.TarInfo.frombuf(block, "latin-1", "strict")
        _not_negative(header.size)
        is_longer = header.type == tarfile.GNUTYPE_SPARSE and block[EXTENDED]
        while is_longer:
            self._left -= 1
            if self._left < 0:
                raise too_many_files(self._rules)
            is_longer = _exactly(self._source, BLOCK)[EXTENDED_SPARSE]
        return header

    def _extension(self, size: int) -> bytes:
        self._extension_bytes_left -= size
        if size > MOST_EXTENSION_BYTES or self._extension_bytes_left < 0:
            raise ArchiveUnreadable(
                f"a header of the archive is larger than {in_units(MOST_EXTENSION_BYTES)}, "
                "or all of them are too large: pack without extended attributes"
            )
        content = _exactly(self._source, size)
        self._source.skip(_padded(size) - size)
        return content

    def _entry(self, header: tarfile.TarInfo, attributes: _Attributes) -> _Entry:
        name = header.name.encode("latin-1")
        for better in (attributes.long_name, attributes.pax.get(b"path", b"")):
            name = better or name
        size = header.size
        if b"size" in attributes.pax:
            size = _not_negative(int(attributes.pax[b"size"]))
        is_sparse = header.type == tarfile.GNUTYPE_SPARSE
        if any(key.startswith(b"GNU.sparse.") for key in attributes.pax):
            is_sparse, name = True, attributes.pax.get(b"GNU.sparse.name", name)
        has_content = header.isreg() or header.type not in tarfile.SUPPORTED_TYPES
        return _Entry(header, names.decode(name), size if has_content else 0, is_sparse)


def _pax_records(content: bytes) -> dict[bytes, bytes]:
    """Reads `LENGTH KEY=VALUE`, each on a line, again and again, each byte once."""
    records, at = {}, 0
    while at < len(content) and content[at]:
        space = content.index(b" ", at, at + 20)
        end = at + int(content[at:space])
        key, equals, value = content[space + 1 : end - 1].partition(b"=")
        if not space < end <= len(content) or not equals:
            raise ArchiveUnreadable("a header of the archive is damaged")
        records[key] = value
        at = end
    return records


def _not_negative(size: int) -> int:
    if size < 0:
        raise ArchiveUnreadable("a size in the archive is below zero: it is made to do harm")
    return size


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _exactly(source: Source, size: int) -> bytes:
    content = source.read(size)
    if len(content) < size:
        raise ArchiveUnreadable("the archive is cut short")
    return content
