"""Finds the colour profile of a JPEG 2000 file, which Pillow passes over.

Source: ISO/IEC 15444-1, annex I: boxes, and the colour specification box (method 2, restricted ICC;
method 3, any ICC, of 15444-2).
"""

from PIL import Image

from sidecar.images.formats.boxes import boxes

MAGIC = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
WITH_PROFILE = (2, 3)


def understood(upload: bytes, image: Image.Image) -> Image.Image:
    """Returns an opened image; a JPEG 2000 with the ICC profile of its header in `info`."""
    if image.format == "JPEG2000" and upload.startswith(MAGIC):
        for kind, start, end in boxes(upload, 0, len(upload)):
            if kind == b"jp2h":
                image.info.update(_profile(upload, start, end))
    return image


def _profile(upload: bytes, start: int, end: int) -> dict[str, bytes]:
    for kind, at, last in boxes(upload, start, end):
        if kind == b"colr" and upload[at] in WITH_PROFILE:
            return {"icc_profile": upload[at + 3 : last]}
    return {}
