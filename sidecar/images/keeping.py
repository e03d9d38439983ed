"""Decides which JPEGs are kept as they came, without a new encoding."""

from dataclasses import dataclass

from sidecar.errors import ImageTooLarge
from sidecar.images.jpeg import Container

MAX_SCANS = 100  # the usual script of a progressive JPEG has ten, the longest in use some thirty
MAX_SCAN_PIXELS = 2 * 10**9  # scans times pixels: some 10 s of processor time
MAX_KEPT_SCANS = 16  # each use of a kept JPEG decodes it again


@dataclass(frozen=True)
class Facts:
    """What decides whether a JPEG is kept, besides its container.

    Args:
        mode: of its pixels, by Pillow's name.
        short_side: pixels.
        is_upright: whether no metadata turn it.
        has_profile: whether a colour profile changes what its numbers mean.
    """

    mode: str
    short_side: int
    is_upright: bool
    has_profile: bool


def is_kept(container: Container, facts: Facts, canonical_size: int) -> bool:
    """Returns whether a JPEG is small enough, upright, whole, cheap to decode, and of colours that
    need no conversion: then only its metadata have to go."""
    return (
        container.is_plain
        and container.is_whole
        and 1 <= len(container.scans) <= MAX_KEPT_SCANS
        and facts.mode in ("RGB", "L")
        and facts.short_side <= canonical_size
        and facts.is_upright
        and not facts.has_profile
    )


def check_scans(container: Container) -> None:
    """Refuses a JPEG whose scans take too long to decode, each of them all of its pixels.

    Raises:
        ImageTooLarge: it has more than `MAX_SCANS`, or more than `MAX_SCAN_PIXELS` in all.
    """
    scans = len(container.scans)
    if scans > MAX_SCANS:
        raise ImageTooLarge(f"the JPEG has {scans:,} scans, more than {MAX_SCANS}")
    width, height = container.frame.size if container.frame else (0, 0)
    if scans > 1 and scans * width * height > MAX_SCAN_PIXELS:
        raise ImageTooLarge(
            f"the JPEG has {scans} scans of {width} x {height} pixels, together more than "
            f"{MAX_SCAN_PIXELS:,}"
        )
