"""Nearest neighbours among vectors: pure, without files of its own or knowledge of ids.

The one door to FAISS. `codes` holds what a generation is searched with, `exact` finds true
neighbours, `device` says whether the CPU or a GPU does the heavy work of a training.
"""

import os

# FAISS' threads spin while they wait for each other, 300,000 times by libgomp's default: with
# others at work on the same cores that made training 30 times slower. 300 is fast on idle cores,
# too. libgomp reads this once, when it is loaded, so it stands before the first import of FAISS.
os.environ.setdefault("GOMP_SPINCOUNT", "300")

from sidecar.index.ann.device import Device, Wish
from sidecar.index.ann.exact import Nearest, distances, widen
from sidecar.index.ann.ivfpq import ExcludeIds, Index, SearchParams, sample_size

__all__ = [
    "Device",
    "ExcludeIds",
    "Index",
    "Nearest",
    "SearchParams",
    "Wish",
    "distances",
    "sample_size",
    "widen",
]
