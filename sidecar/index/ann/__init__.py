"""Nearest neighbours among features: the one door to FAISS, which knows nothing of ids or volumes.

`ivfpq` is the index that a search looks through first, `clustering` sizes and trains its lists,
`exact` finds true neighbours, and `device` says whether the CPU or a GPU does the heavy work of a
training.
"""

import os

# FAISS' threads spin while they wait for each other, 300,000 times by libgomp's default: with other
# processes busy on the same cores that made training 30 times slower. 300 is fast on idle cores,
# too. libgomp reads this once, when it is loaded, so it stands before the first import of FAISS.
os.environ.setdefault("GOMP_SPINCOUNT", "300")

from sidecar.index.ann.clustering import POINTS_PER_LIST, lists_for, sample_size
from sidecar.index.ann.compact import Compact
from sidecar.index.ann.device import Device, DeviceName
from sidecar.index.ann.exact import Flat, Nearest, distances, widen
from sidecar.index.ann.ivfpq import Index, SearchParams, values_per_code
from sidecar.index.ann.selection import ExcludeIds, IncludeIds

__all__ = [
    "POINTS_PER_LIST",
    "Compact",
    "Device",
    "DeviceName",
    "ExcludeIds",
    "Flat",
    "IncludeIds",
    "Index",
    "Nearest",
    "SearchParams",
    "distances",
    "lists_for",
    "sample_size",
    "values_per_code",
    "widen",
]
