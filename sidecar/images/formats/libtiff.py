"""Silences libtiff, which would write of each damaged file to stderr, past the log and its format.

Pillow, which brings the library, silences its warnings alone, and raises its own error beside it.
Source: libtiff, TIFFSetErrorHandler.
"""

import ctypes
from contextlib import suppress

from PIL import _imaging


def silence() -> None:
    """Takes away the handler of errors, for the whole process."""
    pillow = ctypes.CDLL(_imaging.__file__)  # its symbols are those of the libraries it brings, too
    with suppress(AttributeError):  # a Pillow that was built without libtiff, or with it inside
        pillow.TIFFSetErrorHandler.restype = ctypes.c_void_p
        pillow.TIFFSetErrorHandler(None)
