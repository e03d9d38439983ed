"""Finds the page of a TIFF that is its image, and refuses layouts with no agreed meaning.

Sources: TIFF 6.0; TIFF/EP and DNG for reduced pages; libtiff, which takes a colour map for one of
8 bits if none of its values is above 255.
"""

from PIL import Image, ImagePalette, TiffImagePlugin

from sidecar.errors import ImageUnreadable
from sidecar.images import layouts
from sidecar.images.formats import libtiff
from sidecar.images.formats.tiff_pages import Page, beginning_with, pages

# Pillow's own reader of raw strips knows neither planes of 16 bits nor subsampled YCbCr.
TiffImagePlugin.READ_LIBTIFF = True
libtiff.silence()

NEW_SUBFILE, SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION = 254, 255, 256, 257, 258, 259
PHOTOMETRIC, SAMPLES, COLOUR_MAP, INK_SET, SAMPLE_FORMAT = 262, 277, 320, 332, 339
DNG_VERSION = 50_706
WHITE_IS_ZERO, SEPARATED, SENSOR, LINEAR_RAW = 0, 5, 32_803, 34_892  # values of PHOTOMETRIC
REDUCED, MASK = 1, 4  # bits of NEW_SUBFILE
UNSIGNED, SIGNED = 1, 2
CANON = b"CR"  # behind the header of a CR2, which is a TIFF otherwise
NOT_CMYK = 2


def main_page(upload: bytes) -> bytes:
    """Returns a TIFF whose first page is its image, where that was a preview or a mask.

    Other files come back as they are.

    Raises:
        ImageUnreadable: the image is what a camera's sensor saw (DNG, NEF, ARW and the like), its
            samples are signed, or its inks are not cyan, magenta, yellow and black.
    """
    found = pages(upload)
    if not found:
        return upload
    if upload[8:10] == CANON or any(_is_raw(page) for page in found):
        raise ImageUnreadable("the data is camera RAW, which is not read: send what it develops to")
    page = _image(found)
    _check_samples(page)
    return upload if page is found[0] else beginning_with(page, upload)


def understood(image: Image.Image) -> Image.Image:
    """Returns an opened image; of a TIFF, with its wide grey noted and its palette right."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return image
    tags = image.tag_v2
    if image.mode in ("P", "PA") and max(tags[COLOUR_MAP]) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(tags[COLOUR_MAP]))
    white_is_zero = tags.get(PHOTOMETRIC) == WHITE_IS_ZERO
    return layouts.note(image, bits=tags.get(BITS, (1,))[0], white_is_zero=white_is_zero)


def layout(upload: bytes) -> str | None:
    """Returns the layout of a TIFF in words, for an error; None for another file."""
    found = pages(upload)
    if not found:
        return None
    page = found[0]
    return (
        f"photometric {page.first(PHOTOMETRIC, 0)}, {page.first(SAMPLES, 1)} samples of "
        f"{'/'.join(str(bits) for bits in page.all(BITS, 1)[:8])} bits, "
        f"sample format {page.first(SAMPLE_FORMAT, UNSIGNED)}, "
        f"compression {page.first(COMPRESSION, 1)}"
    )


def _image(found: list[Page]) -> Page:
    """Returns the first page, or the largest of the others where it is a preview or a mask."""
    images = [page for page in found if not _is_aside(page)]
    if not images or not _is_aside(found[0]):
        return found[0]
    return max(images, key=lambda page: page.first(WIDTH, 0) * page.first(LENGTH, 0))


def _is_raw(page: Page) -> bool:
    return DNG_VERSION in page.tags or page.first(PHOTOMETRIC, 0) in (SENSOR, LINEAR_RAW)


def _is_aside(page: Page) -> bool:
    return bool(page.first(NEW_SUBFILE, 0) & (REDUCED | MASK)) or page.first(SUBFILE, 0) == 2


def _check_samples(page: Page) -> None:
    if SIGNED in page.all(SAMPLE_FORMAT, UNSIGNED):
        raise ImageUnreadable("signed samples have no agreed black and white in a photo (TIFF)")
    if page.first(PHOTOMETRIC, 0) == SEPARATED and page.first(INK_SET, 1) == NOT_CMYK:
        raise ImageUnreadable("inks other than cyan, magenta, yellow and black are not read (TIFF)")
