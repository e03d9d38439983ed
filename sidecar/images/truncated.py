"""Says whether a JPEG that is cut short is still to be read: how much may be missing at its end.

nothing but the end                       read
a few lines                               read; libjpeg fills them with the last colour
progressive: the lowest bits              read
more                                      refused
"""

import io
from dataclasses import replace

from PIL import Image

from sidecar.errors import ImageUnreadable
from sidecar.images import turbojpeg
from sidecar.images.jpeg import END, PROGRESSIVE, Container, read

MISSING_SHARE = 0.02  # of the lines
MISSING_LINES = 32  # of a small image: two rows of blocks
MISSING_SHARE_OF_SMALL = 0.125  # and of a very small one no more


def ended(container: Container) -> Container:
    """Gives a JPEG its end back, unless it lacks more than that.

    Args:
        container: without an end, its scans checked.
    Returns:
        the JPEG with an end; it counts as whole where no pixel is missing.
    Raises:
        ImageUnreadable: it lacks more.
    """
    mended = read(container.file.rstrip(b"\xff") + END)  # the end may be there by half
    assert mended is not None
    if turbojpeg.is_whole(mended.file):
        return mended
    if container.has_many_scans:
        _check_scans(container)
    else:
        _check_lines(container)
    return replace(mended, is_whole=False)


def _check_scans(container: Container) -> None:
    if not container.lacks_only_the_last_bits:
        kind = "progressive " if container.frame and container.frame.marker in PROGRESSIVE else ""
        raise ImageUnreadable(f"the {kind}JPEG is cut short before its last scans")


def _check_lines(container: Container) -> None:
    missing = _missing_share(container.file)
    small = min(MISSING_LINES / max(1, container.height), MISSING_SHARE_OF_SMALL)
    if missing > max(MISSING_SHARE, small):
        raise ImageUnreadable(
            f"the JPEG is cut short: {missing:.0%} of its lines are missing, more than "
            f"{MISSING_SHARE:.0%}, or {MISSING_LINES} lines of a small one"
        )


def _missing_share(file: bytes) -> float:
    """Returns the share of the lines that can't be decoded, found at an eighth of the size."""
    with Image.open(io.BytesIO(file), formats=("JPEG",)) as image:
        image.draft(None, (1, 1))
        try:
            image.load()
        except OSError:
            image.tile = []  # what was decoded is the image
        box = image.getbbox()  # lines that were not decoded are zero
        return 1 - (box[3] if box else 0) / image.height
