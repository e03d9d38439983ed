"""Reads what the pages of a TIFF say of their pixels, without reading a pixel.

Sources: TIFF 6.0, section 2; BigTIFF; the TIFF/EP standard for SubIFDs.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAGICS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
MAX_PAGES = 64
MAX_VALUES = 768  # of one tag: a colour map has 3 x 256
SUB_DIRECTORIES = 330
# The whole numbers among the types: BYTE, SHORT, LONG, IFD, LONG8, IFD8.
NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}


@dataclass(frozen=True)
class Page:
    """Holds one directory: where it lies, and the numbers that its tags hold."""

    offset: int
    tags: dict[int, tuple[int, ...]]

    def all(self, tag: int, default: int) -> tuple[int, ...]:
        return self.tags.get(tag) or (default,)

    def first(self, tag: int, default: int) -> int:
        return self.all(tag, default)[0]


def pages(upload: bytes) -> list[Page]:
    """Returns the pages of a TIFF and those within them (SubIFDs), at most `MAX_PAGES`.

    A damaged one ends the list: the decoder will say so of the page that it opens.
    """
    return list(_pages(upload)) if upload.startswith(MAGICS) else []


def beginning_with(page: Page, upload: bytes) -> bytes:
    """Returns the TIFF with another of its pages as the first."""
    form = _Form(upload)
    at = struct.pack(form.order + form.offset, page.offset)
    return upload[: form.first] + at + upload[form.first + len(at) :]


class _Form:
    """Holds what differs between the four kinds of TIFF."""

    def __init__(self, upload: bytes):
        self.order = "<" if upload.startswith(b"II") else ">"
        big = 43 in upload[2:4]
        self.first = 8 if big else 4  # where the offset of the first page stands
        self.count, self.entry, self.offset = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")

    def read(self, form: str, upload: bytes, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + form, upload, at)


def _pages(upload: bytes) -> Iterator[Page]:
    form, seen = _Form(upload), set[int]()
    try:
        waiting = [*form.read(form.offset, upload, form.first)]
        while waiting and len(seen) < MAX_PAGES:
            at = waiting.pop(0)
            if at == 0 or at in seen:
                continue
            seen.add(at)
            page, following = _page(form, upload, at)
            yield page
            waiting += [following, *page.tags.get(SUB_DIRECTORIES, ())]
    except struct.error:
        return


def _page(form: _Form, upload: bytes, at: int) -> tuple[Page, int]:
    (count,) = form.read(form.count, upload, at)
    size = struct.calcsize(form.order + form.entry)
    start = at + struct.calcsize(form.order + form.count)
    (following,) = form.read(form.offset, upload, start + count * size)
    tags: dict[int, tuple[int, ...]] = {}
    for entry in range(start, start + count * size, size):
        tag, kind, values, _ = form.read(form.entry, upload, entry)
        if kind in NUMBERS and 0 < values <= MAX_VALUES:
            tags.setdefault(tag, _values(form, upload, entry, f"{values}{NUMBERS[kind]}"))
    return Page(at, tags), following


def _values(form: _Form, upload: bytes, entry: int, values: str) -> tuple[int, ...]:
    """Reads a tag's numbers, which stand in the entry itself if they fit there."""
    at = entry + struct.calcsize(form.order + form.entry[:-2])
    if struct.calcsize(form.order + values) > struct.calcsize(form.order + form.offset):
        (at,) = form.read(form.offset, upload, at)
    return form.read(values, upload, at)
