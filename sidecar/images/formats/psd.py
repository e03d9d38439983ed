"""Tells whether a Photoshop document holds its flattened image, and of what kind that is.

Source: Adobe Photoshop File Formats Specification: file header, image resources (1057, version
info), layer and mask information, image data.
"""

import struct

from PIL import Image, PsdImagePlugin

from sidecar.errors import ImageUnreadable
from sidecar.images import layouts

MAGIC = b"8BPS\x00\x01"
MULTICHANNEL = 7  # a colour mode
VERSION_INFO = 1057


def check(upload: bytes) -> None:
    """Refuses a document that Pillow would not read, or not rightly; other files pass.

    Raises:
        ImageUnreadable: more than 8 bits a channel, or channels that are no colours.
    """
    if not upload.startswith(MAGIC) or len(upload) < 26:
        return
    bits, mode = struct.unpack_from(">HH", upload, 22)
    if bits > 8:
        raise ImageUnreadable(f"the Photoshop document (PSD) has {bits} bits a channel; 8 are read")
    if mode == MULTICHANNEL:
        raise ImageUnreadable("the Photoshop document (PSD) is in multichannel mode")


def understood(upload: bytes, image: Image.Image) -> Image.Image:
    """Returns an opened image; of a Photoshop document, with it noted what its samples are.

    Its fourth channel is transparency if the number of layers is negative, else a saved selection.

    Raises:
        ImageUnreadable: the document was saved without its flattened image.
    """
    if not isinstance(image, PsdImagePlugin.PsdImageFile):
        return image
    for number, _, data in image.resources:
        if number == VERSION_INFO and data[4:5] == b"\x00":
            raise ImageUnreadable(
                "the Photoshop document (PSD) was saved without a flattened image: save it with "
                "'Maximize compatibility'"
            )
    if not image.tile:
        raise ImageUnreadable("the Photoshop document (PSD) has its image in a ZIP, not read")
    return layouts.note(image, is_opaque=_layers(upload) >= 0, black_is_one=True)


def _layers(upload: bytes) -> int:
    """Returns the number of layers, negative where the first extra channel is transparency."""
    try:
        at = 26
        for _ in range(2):  # colour mode data, image resources
            (size,) = struct.unpack_from(">I", upload, at)
            at += 4 + size
        both, layers = struct.unpack_from(">II", upload, at)
        if not both or not layers:
            return 0
        (count,) = struct.unpack_from(">h", upload, at + 8)
        return int(count)
    except struct.error:
        return 0
