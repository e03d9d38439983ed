"""Reads the container of a JPEG, its segments, without decoding a pixel.

    SOI, segments with tables and headers, then SOS and coded pixels for each scan, EOI

Sources: ITU-T T.81, Annex B; JFIF 1.02 (APP0); Adobe Technical Note 5116 (APP14).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sidecar.errors import ImageTooLarge

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
DHT, DAC, DQT, DRI = 0xC4, 0xCC, 0xDB, 0xDD
APP0, APP14 = 0xE0, 0xEE
RESTARTS = range(0xD0, 0xD8)
FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, DAC}  # SOF0 to SOF15
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
PLAIN = frozenset({0xC0, 0xC1, 0xC2})  # coded by Huffman, by eight or twelve bits
KEPT = FRAMES | {DHT, DAC, DQT, DRI}  # what pixels are decoded by, besides the scans
COEFFICIENT_BYTES = 2
MAX_SEGMENTS = 5_000  # Pillow reads each in Python; 32 MiB of metadata have some 500
END = bytes((0xFF, EOI))
# What Pillow writes, too: version 1.01, no density, no thumbnail.
JFIF = bytes((0xFF, APP0)) + b"\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"

_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_AFTER_PIXELS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed 0xFF nor a restart


@dataclass(frozen=True)
class Segment:
    """A segment: where its marker begins, its data, and its end; a scan ends after its pixels."""

    marker: int
    start: int
    data: bytes
    end: int


@dataclass(frozen=True)
class Frame:
    """The frame header: how pixels are coded.

    Args:
        marker: SOF0 to SOF15.
        size: width and height, pixels.
        sampling: for each component its id, and its factors horizontally and vertically.
    """

    marker: int
    size: tuple[int, int]
    sampling: tuple[tuple[int, int, int], ...]

    @property
    def coefficient_bytes(self) -> int:
        """Returns what all coefficients take, which a decoder holds until the last scan."""
        most = max((h * v for _, h, v in self.sampling), default=0) or 1
        share = sum(h * v for _, h, v in self.sampling) / most
        return int(self.size[0] * self.size[1] * share * COEFFICIENT_BYTES)


@dataclass(frozen=True)
class Container:
    """A JPEG as a row of segments.

    Args:
        file: the whole of it.
        segments: up to EOI, or to where the file is cut.
        is_whole: whether EOI was found.
    """

    file: bytes
    segments: tuple[Segment, ...]
    is_whole: bool

    @cached_property
    def scans(self) -> tuple[Segment, ...]:
        """The scans, each with its pixels."""
        return tuple(segment for segment in self.segments if segment.marker == SOS)

    @cached_property
    def frame(self) -> Frame | None:
        """The frame header; None where it is missing or damaged."""
        for segment in self.segments:
            if segment.marker in FRAMES:
                return _frame(segment)
        return None

    @property
    def height(self) -> int:
        """The number of lines; 0 where there is no frame header."""
        return self.frame.size[1] if self.frame else 0

    @property
    def is_plain(self) -> bool:
        """Whether every decoder reads it: baseline or progressive, by Huffman codes."""
        return self.frame is not None and self.frame.marker in PLAIN

    @property
    def has_many_scans(self) -> bool:
        """Whether a decoder has to read all scans before it can give the first pixel."""
        frame = self.frame
        if frame is None or not self.scans:
            return False
        return frame.marker in PROGRESSIVE or self.scans[0].data[:1] < bytes((len(frame.sampling),))

    @property
    def held_bytes(self) -> int:
        """What a decoder holds of all scans before it can give the first pixel."""
        return self.frame.coefficient_bytes if self.frame and self.has_many_scans else 0

    @property
    def lacks_only_the_last_bits(self) -> bool:
        """Whether the scans before the last hold every coefficient, but for its lowest bit."""
        if self.frame is None:
            return False
        lacking = {(each[0], k): 14 for each in self.frame.sampling for k in range(64)}
        for scan in self.scans[:-1]:
            components, low, high, bit = _scan(scan.data)
            lacking |= {(each, k): bit for each in components for k in range(low, high + 1)}
        return max(lacking.values(), default=14) <= 1

    def stripped(self) -> bytes:
        """Returns the JPEG with the same pixels and nothing else: no metadata, no thumbnail, no
        bytes between the segments or after the end."""
        return b"".join((bytes((0xFF, SOI)), *self._essentials(), END))

    def _essentials(self) -> Iterator[bytes]:
        has_jfif = False
        for segment in self.segments:
            if segment.marker in KEPT or segment.marker == SOS:
                yield self.file[segment.start : segment.end]
            elif segment.marker == APP0 and _is_jfif(segment.data) and not has_jfif:
                has_jfif = True
                yield JFIF  # without it some decoders guess at the colours
            elif segment.marker == APP14 and _is_adobe(segment.data):
                yield bytes((0xFF, APP14)) + b"\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
                yield segment.data[11:12]  # how colours were transformed


def read(upload: bytes) -> Container | None:
    """Reads the segments of a JPEG; None where the upload does not begin as one.

    Raises:
        ImageTooLarge: it has more than `MAX_SEGMENTS`.
    """
    if not upload.startswith(b"\xff\xd8\xff"):
        return None
    segments: list[Segment] = []
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(upload, at)
        if found is None:
            return Container(upload, tuple(segments), is_whole=False)
        marker, at = upload[found.end() - 1], found.end()
        if marker == EOI:
            return Container(upload, tuple(segments), is_whole=True)
        if marker == SOI or marker == 0x01 or marker in RESTARTS:  # these stand alone
            continue
        segment = _segment(upload, marker, found.start())
        if segment is None:
            return Container(upload, tuple(segments), is_whole=False)
        segments.append(segment)
        at = segment.end
    raise ImageTooLarge(f"the JPEG has more than {MAX_SEGMENTS:,} segments")


def stripped(file: bytes) -> bytes:
    """Returns a canonical JPEG without metadata, which older releases kept."""
    container = read(file)
    return file if container is None or not container.is_whole else container.stripped()


def _segment(upload: bytes, marker: int, start: int) -> Segment | None:
    """Returns the segment that begins here; None where it is cut."""
    body = start + 4
    end = start + 2 + int.from_bytes(upload[start + 2 : body])
    if not body <= end <= len(upload):
        return None
    data = upload[body:end]
    if marker == SOS:
        after = _AFTER_PIXELS.search(upload, end)
        end = after.start() if after else len(upload)
    return Segment(marker, start, data, end)


def _frame(segment: Segment) -> Frame | None:
    data = segment.data
    if len(data) < 6 or len(data) < 6 + 3 * data[5]:
        return None
    size = int.from_bytes(data[3:5]), int.from_bytes(data[1:3])
    components = (data[at : at + 2] for at in range(6, 6 + 3 * data[5], 3))
    sampling = tuple((each[0], each[1] >> 4, each[1] & 0xF) for each in components)
    return Frame(segment.marker, size, sampling)


def _scan(data: bytes) -> tuple[list[int], int, int, int]:
    """Returns the components of a scan, its first and last coefficient, and its lowest bit."""
    count = data[0] if data else 0
    if len(data) < 4 + 2 * count:
        return [], 0, 0, 0
    low, high, bits = data[1 + 2 * count : 4 + 2 * count]
    return [data[1 + 2 * n] for n in range(count)], low, min(high, 63), bits & 0xF


def _is_jfif(data: bytes) -> bool:
    return data[:5] == b"JFIF\x00" and len(data) >= 14


def _is_adobe(data: bytes) -> bool:
    return data[:5] == b"Adobe" and len(data) >= 12
