"""Which of the names in a folder or an archive are taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

# Of the formats that the service reads, as files are named.
PHOTOS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
OTHERS = (".avif", ".heic", ".heif", ".jxl", ".jp2", ".j2k", ".jpf", ".jpx", ".psd", ".ico", ".tga")
ENDINGS = frozenset((*PHOTOS, *OTHERS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which names are taken.

    Args:
        include: patterns, one of which a name has to fit; without one its ending has to be that of
            an image.
        exclude: patterns, none of which a name may fit, or a folder that it is in.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def takes(self, inner: PurePosixPath) -> bool:
        """Says whether a file is taken, by its path within its folder or archive."""
        if not self.enters(inner):
            return False
        if self.include:
            return any(_fits(inner, pattern) for pattern in self.include)
        return inner.suffix.lower() in ENDINGS

    def takes_member(self, inner: PurePosixPath) -> bool:
        """Says the same of a file none of whose folders were looked at before."""
        return all(self.enters(each) for each in list(inner.parents)[:-1]) and self.takes(inner)

    def enters(self, inner: PurePosixPath) -> bool:
        """Says whether a folder is looked into: one that is neither hidden nor excluded."""
        hidden = inner.name.startswith(".") and inner.name != ".."
        return not hidden and not any(_fits(inner, pattern) for pattern in self.exclude)


def _fits(inner: PurePosixPath, pattern: str) -> bool:
    """Says whether a path fits a pattern: its name, or all of it where the pattern has a slash."""
    return fnmatchcase(str(inner) if "/" in pattern else inner.name, pattern)
