"""Bytes to canonical JPEG to pixels.

An upload is decoded once, into the canonical JPEG that is stored; each model gets the pixels of
that. `archives` reads a tar or zip file by file, and `ids` holds the rule of an id.
"""

from sidecar.images import archives, ids
from sidecar.images.archives import BatchRules, File
from sidecar.images.budget import BUDGET
from sidecar.images.codec import canonical, decode, encode
from sidecar.images.crop import pixels
from sidecar.images.limits import ImageRules

__all__ = [
    "BUDGET",
    "BatchRules",
    "File",
    "ImageRules",
    "archives",
    "canonical",
    "decode",
    "encode",
    "ids",
    "pixels",
]
