"""Bytes to canonical JPEG to pixels.

An upload is decoded once, into the canonical JPEG that is stored; each model gets the pixels of
that. `archives` reads a tar or zip file by file; `names` and `ids` hold the rules of a file's name
and of an id.
"""

from sidecar.images import archives, ids, names
from sidecar.images.archives.members import BatchRules, File
from sidecar.images.budget import BUDGET
from sidecar.images.codec import canonical, decode, encode
from sidecar.images.limits import ImageRules
from sidecar.images.model_input import pixels
from sidecar.images.part import Box, part, seen
from sidecar.images.size import size_of

__all__ = [
    "BUDGET",
    "BatchRules",
    "Box",
    "File",
    "ImageRules",
    "archives",
    "canonical",
    "decode",
    "encode",
    "ids",
    "names",
    "part",
    "pixels",
    "seen",
    "size_of",
]
