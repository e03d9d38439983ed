"""Opens a file of any format that is read; Pillow's plugins are registered here.

Opening decodes no pixel: what a file claims can still be weighed.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import IO

from PIL import AvifImagePlugin, GifImagePlugin, Image, UnidentifiedImageError

from sidecar.errors import ImageUnreadable, SimilarityError
from sidecar.images import layouts
from sidecar.images.formats import avif, ico, jp2, jxl, png, psd, refused, tga, tiff

# Pillow's names, in the order in which they are tried, and what users call them.
NAMES = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "WEBP": "WebP",
    "GIF": "GIF",
    "BMP": "BMP",
    "TIFF": "TIFF",
    "AVIF": "AVIF",
    "JPEG2000": "JPEG 2000",
    "PSD": "PSD",
    "ICO": "ICO",
    "TGA": "TGA",
}
if find_spec("pillow_heif"):
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    NAMES["HEIF"] = "HEIC"
if jxl.IS_INSTALLED:
    jxl.register()
    NAMES[jxl.FORMAT] = "JPEG XL"

# Each request has a thread of its own already.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def opened(upload: bytes, file: Callable[[bytes], IO[bytes]] = io.BytesIO) -> Image.Image:
    """Opens an image whose pixels `layouts` understands; nothing is decoded yet.

    Args:
        file: makes what Pillow reads from.
    Raises:
        ImageUnreadable: no format that is read, or a kind of it that is not; the text names it.
    """
    psd.check(upload)
    data = tiff.main_page(png.sound(ico.largest(upload)))
    try:
        image = Image.open(file(data), formats=_formats(data))
    except UnidentifiedImageError as error:  # its own text names an object in memory
        raise ImageUnreadable(_why(data)) from error
    return _understood(data, image)


@contextmanager
def translated() -> Iterator[None]:
    """Translates Pillow's errors: its decoders meet hostile files with errors of any kind."""
    try:
        yield
    except SimilarityError:
        raise
    except UnidentifiedImageError as error:  # its own text names an object in memory
        raise ImageUnreadable("the data is no readable image") from error
    except Exception as error:
        raise ImageUnreadable(f"the data is no readable image: {error}") from error


def _understood(data: bytes, image: Image.Image) -> Image.Image:
    """Notes what Pillow's mode and `info` do not say, while the file is at hand."""
    if isinstance(image, GifImagePlugin.GifImageFile):
        return layouts.note(image, covered=image.dispose_extent)
    if image.format in ("BMP", "ICO"):
        return layouts.note(image, may_lack_alpha=True)
    image = avif.checked(data, image)
    return jp2.understood(data, tiff.understood(psd.understood(data, tga.understood(data, image))))


def _formats(data: bytes) -> list[str]:
    """Returns what to try: Targa, which has no signature, only where the whole header fits it."""
    return [name for name in NAMES if name != "TGA" or tga.is_tga(data)]


def _why(data: bytes) -> str:
    readable = ", ".join(NAMES.values())
    layout = tiff.layout(data)
    if layout:
        return f"the data is a TIFF of a layout that is not read: {layout}"
    called = refused.name(data)
    if called:
        return f"the data is {called}, no readable image here: {readable} are read"
    return f"the data is no readable image of {readable}"
