"""Decompresses piece by piece, so that a bomb costs no memory and an end of the patience is kept.

Sources: RFC 1952 (gzip), RFC 8878 (Zstandard), PKWARE APPNOTE 6.3 (deflate, bzip2, LZMA in a zip).
"""

import bz2
import io
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import IO, Protocol

from backports import zstd

from sidecar.errors import ArchiveUnreadable
from sidecar.files import in_units
from sidecar.images.archives.members import BatchRules

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"  # how their files begin
PIECE_BYTES = 1 << 18  # compressed or decompressed at once
MOST_RATIO = 100  # photos hardly shrink; flat graphics may, so that much more is free of it:
FREE_BYTES = 64 << 20
MOST_WINDOW_LOG = 23  # 8 MiB of memory, all that RFC 8878 wants of a decoder
LEAST_DICTIONARY = 4096  # bytes, as LZMA wants it


class Decompressor(Protocol):
    """What bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Packed(Protocol):
    """A compressed file."""

    def read(self, size: int = -1, /) -> bytes: ...


class Decompressed:
    """Reads a compressed file from its beginning to its end.

    Args:
        packed: the compressed file, at its start.
        start: makes the decompressor of a stream.
        most_bytes: how far it may be read.
        is_repeated: whether it may be several streams, one after another.
    """

    def __init__(
        self,
        packed: Packed,
        start: Callable[[], Decompressor],
        most_bytes: int,
        is_repeated: bool = False,
    ) -> None:
        self._packed = packed
        self._start = start
        self._stream = start()
        self._most_bytes = self._left = most_bytes
        self._is_repeated = is_repeated

    def read(self, size: int) -> bytes:
        """Returns the next bytes, fewer only at the end or where it is cut short.

        Raises:
            ArchiveUnreadable: it goes on after `most_bytes`.
        """
        out = io.BytesIO()
        while (missing := size - out.tell()) > 0 and (piece := self._piece(missing)):
            out.write(piece)
        return out.getvalue()

    def skip(self, size: int) -> None:
        """Reads over the next bytes; errors as `read`."""
        while size > 0 and (piece := self._piece(size)):
            size -= len(piece)

    def _piece(self, size: int) -> bytes:
        """Returns some of the next bytes, none only at the end."""
        while True:
            data = self._input()
            if self._stream.eof or (self._stream.needs_input and not data):
                return b""
            piece = self._stream.decompress(data, min(size, PIECE_BYTES))
            self._left -= len(piece)
            if self._left < 0:
                raise ArchiveUnreadable(
                    f"the archive unpacks to more than {in_units(self._most_bytes)}, "
                    "too much for its size or for MAX_BATCH_BYTES: it is a bomb"
                )
            if piece:
                return piece

    def _input(self) -> bytes:
        """Returns what the decompressor wants next, and begins the next stream after one's end."""
        if not self._stream.eof:
            return self._packed.read(PIECE_BYTES) if self._stream.needs_input else b""
        if not self._is_repeated:
            return b""
        rest = self._stream.unused_data or self._packed.read(PIECE_BYTES)
        if rest.strip(b"\0"):  # zeros fill up a tape
            self._stream = self._start()
        return rest


class Zlib:
    """Gives zlib's decompressor the manners of the others."""

    def __init__(self, window_bits: int) -> None:
        self._zlib = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = not self._zlib.unconsumed_tail and len(piece) < max_length
        return piece


def decompressed(archive: IO[bytes], rules: BatchRules) -> Decompressed:
    """Returns a reader of a file that begins with GZIP or ZSTD.

    Args:
        archive: seekable, at its start.
    """
    head = archive.read(len(ZSTD))
    size_bytes = archive.seek(0, io.SEEK_END)
    archive.seek(0)
    by_size = MOST_RATIO * size_bytes + FREE_BYTES
    most = min(by_size, 2 * rules.max_batch_bytes + FREE_BYTES)  # what is no image counts, too
    start = _gzip if head.startswith(GZIP) else _zstd
    return Decompressed(archive, start, most, is_repeated=True)


def _gzip() -> Decompressor:
    return Zlib(16 + zlib.MAX_WBITS)


def _zstd() -> Decompressor:
    most_window = {int(zstd.DecompressionParameter.window_log_max): MOST_WINDOW_LOG}
    return zstd.ZstdDecompressor(options=most_window)


def deflate() -> Decompressor:
    """Returns the decompressor of a deflated file in a zip."""
    return Zlib(-zlib.MAX_WBITS)


def bzip2() -> Decompressor:
    """Returns the decompressor of a file in a zip that is compressed by bzip2."""
    return bz2.BZ2Decompressor()


def lzma1(head: bytes, most_bytes: int) -> Decompressor:
    """Returns the decompressor of a file in a zip that is compressed by LZMA.

    Args:
        head: nine bytes: a version, the number of those that follow, and five properties.
        most_bytes: of the file; the dictionary that it asks for need not be larger.
    """
    _version, properties, dictionary = struct.unpack("<IBI", head)
    rest, lc = divmod(properties, 9)
    pb, lp = divmod(rest, 5)
    size = max(LEAST_DICTIONARY, min(dictionary, most_bytes))
    chain = {"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": lc, "lp": lp, "pb": pb}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chain])
