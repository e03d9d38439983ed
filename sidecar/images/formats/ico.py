"""Takes the largest image out of an icon, before anything is decoded.

Pillow decodes an icon while it opens it, whatever the size of the image within. Sources:
Microsoft's ICONDIR, ICONDIRENTRY and BITMAPINFOHEADER.
"""

import struct

from sidecar.errors import ImageUnreadable
from sidecar.images.formats import png

MAGIC = b"\x00\x00\x01\x00"
HEADER = struct.Struct("<4sH")
ENTRY = struct.Struct("<BBBBHHII")  # width, height, colours, 0, planes, bits, bytes, offset


def largest(upload: bytes) -> bytes:
    """Returns the largest image of an icon, alone: a PNG or an icon of one image.

    Other files come back as they are.

    Raises:
        ImageUnreadable: the icon is cut short, or that image has another size than the icon says.
    """
    if not upload.startswith(MAGIC):
        return upload
    try:
        return _largest(upload)
    except (struct.error, ValueError) as error:
        raise ImageUnreadable("the icon (ICO) is cut short") from error


def _largest(upload: bytes) -> bytes:
    _, count = HEADER.unpack_from(upload)
    entries = [
        ENTRY.unpack_from(upload, HEADER.size + ENTRY.size * i) for i in range(min(count, 256))
    ]
    width, height, colours, _, planes, bits, size, at = max(
        entries, key=lambda entry: ((entry[0] or 256) * (entry[1] or 256), entry[5])
    )
    data = upload[at : at + size]
    if data.startswith(png.MAGIC):
        return data
    _check_size(data, width or 256, height or 256)
    (bits,) = struct.unpack_from("<H", data, 14)  # the directory's is often 0
    entry = ENTRY.pack(width, height, colours, 0, planes, bits, size, HEADER.size + ENTRY.size)
    return HEADER.pack(MAGIC, 1) + entry + data


def _check_size(bitmap: bytes, width: int, height: int) -> None:
    """Refuses a bitmap of another size than its entry says; its own height counts the mask too."""
    true_width, both_heights = struct.unpack_from("<ii", bitmap, 4)
    if (true_width, both_heights) != (width, 2 * height):
        raise ImageUnreadable(
            f"the icon (ICO) holds {true_width} x {both_heights // 2} pixels and says "
            f"{width} x {height}"
        )
