"""Small files made by code: of layouts that no library here writes, and with ICC profiles."""

import struct
from collections.abc import Mapping

Values = tuple[int, ...]
Tags = Mapping[int, int | Values]
SHORT, LONG, UNDEFINED = (3, "H"), (4, "I"), (7, "B")
PROFILE = 34_675


def tiff(pixels: bytes, tags: Tags, order: str = "<", at: int = 8) -> bytes:
    """A TIFF of one page whose pixels are one strip, or as many as tag 273 has sizes for.

    Args:
        tags: by number, without the strips; a value above 65,535 becomes a LONG.
        at: where the page begins; what lies before it is left to the caller.
    """
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "I", at)
    return head + page(pixels, tags, order, at, following=0)


def page(pixels: bytes, tags: Tags, order: str, at: int, following: int) -> bytes:
    planes = tags.get(277, 1) if tags.get(284) == 2 else 1
    assert isinstance(planes, int)
    every = {key: value if isinstance(value, tuple) else (value,) for key, value in tags.items()}
    size = len(pixels) // planes
    every |= {273: (0,) * planes, 279: (size,) * planes}
    start = at + 2 + 12 * len(every) + 4
    spare = sum(4 * len(value) for value in every.values() if len(value) > 1)
    every[273] = tuple(start + spare + size * plane for plane in range(planes))
    entries, outside = b"", b""
    for tag, value in sorted(every.items()):
        number, form = LONG if max(value) > 65_535 or tag in (273, 279, 330) else SHORT
        number, form = UNDEFINED if tag == PROFILE else (number, form)
        data = struct.pack(f"{order}{len(value)}{form}", *value)
        entries += struct.pack(order + "HHI", tag, number, len(value))
        if len(data) > 4:
            entries += struct.pack(order + "I", start + len(outside))
            outside += data
        else:
            entries += data.ljust(4, b"\x00")
    directory = struct.pack(order + "H", len(every)) + entries
    directory += struct.pack(order + "I", following)
    return directory + outside.ljust(spare, b"\x00") + pixels


def matrix_profile(red: Values, green: Values, blue: Values, *, gamma: float = 2.2) -> bytes:
    """An ICC profile of a display, from where its primaries lie in XYZ (D50), times 10,000."""

    def xyz(value: Values) -> bytes:
        fixed = [round(each / 10_000 * 65_536) for each in value]
        return b"XYZ \x00\x00\x00\x00" + struct.pack(">3i", *fixed)

    curve = b"curv\x00\x00\x00\x00" + struct.pack(">IH", 1, round(gamma * 256)) + b"\x00\x00"
    tags = {b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue)}
    tags |= {b"wtpt": xyz((9642, 10_000, 8249))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    curve = b"curv\x00\x00\x00\x00" + struct.pack(">IH", 1, round(gamma * 256)) + b"\x00\x00"
    white = b"XYZ \x00\x00\x00\x00" + struct.pack(">3i", 63_190, 65_536, 54_061)
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve, b"wtpt": white})


def ink_profile(paper: Values, cyan: Values) -> bytes:
    """An ICC profile of a press, by the 8-bit Lab of its paper and cyan; other inks are black."""
    black = [(0, 128, 128)] * 7
    corners = [paper, *black, cyan, *black]  # cyan varies slowest
    ramp = bytes(range(256))
    table = b"mft1\x00\x00\x00\x00" + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(65_536 if i % 4 == 0 else 0 for i in range(9)))
    table += 4 * ramp + b"".join(bytes(corner) for corner in corners) + 3 * ramp
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _profile(kind: bytes, space: bytes, connection: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    """Source: ICC.1:2001-04, 6.1 (header) and 6.2 (tag table)."""
    body, table, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + b"\x00" * (-len(data) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"", 0x0210_0000, kind, space, connection)
    header = header.ljust(36, b"\x00") + b"acsp"
    header = header.ljust(68, b"\x00") + struct.pack(">3i", 63_190, 65_536, 54_061)
    return header.ljust(128, b"\x00") + struct.pack(">I", len(tags)) + table + body
