"""Features to their nearest neighbours: generations of the index, and searches in them.

A name of this face is loaded when it is first asked for. So the HTTP process, which builds nothing,
does not load the builder, and `index.ann` can be used where there is no database.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.index.block import Block
    from sidecar.index.builder import Builder
    from sidecar.index.engine import BuildRules, Commission, Draft, Engine, Matching, Sealed
    from sidecar.index.field_layers import Layer, stacked
    from sidecar.index.generation import Generation
    from sidecar.index.lineage import Lineage
    from sidecar.index.live_fields import FieldsNow, LiveFields
    from sidecar.index.matching import Names, meeting
    from sidecar.index.memtable import Memtable
    from sidecar.index.postings import Place, Postings
    from sidecar.index.ranking import rank, rank_each
    from sidecar.index.recent import Recent
    from sidecar.index.request import Grouping, SearchRequest, the_nearest
    from sidecar.index.store import GenerationStore
    from sidecar.index.tombstones import Tombstones
    from sidecar.index.writer import GenerationWriter
else:
    from importlib import import_module

    MODULES = {
        "Block": "block",
        "BuildRules": "engine",
        "Builder": "builder",
        "Commission": "engine",
        "Draft": "engine",
        "Engine": "engine",
        "FieldsNow": "live_fields",
        "Generation": "generation",
        "GenerationStore": "store",
        "GenerationWriter": "writer",
        "Grouping": "request",
        "Layer": "field_layers",
        "Lineage": "lineage",
        "LiveFields": "live_fields",
        "Matching": "engine",
        "Memtable": "memtable",
        "Names": "matching",
        "Place": "postings",
        "Postings": "postings",
        "Recent": "recent",
        "Sealed": "engine",
        "SearchRequest": "request",
        "Tombstones": "tombstones",
        "meeting": "matching",
        "rank": "ranking",
        "stacked": "field_layers",
        "rank_each": "ranking",
        "the_nearest": "request",
    }

    def __getattr__(name):
        """Loads a name of the face."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)


__all__ = [
    "Block",
    "BuildRules",
    "Builder",
    "Commission",
    "Draft",
    "Engine",
    "FieldsNow",
    "Generation",
    "GenerationStore",
    "GenerationWriter",
    "Grouping",
    "Layer",
    "Lineage",
    "LiveFields",
    "Matching",
    "Memtable",
    "Names",
    "Place",
    "Postings",
    "Recent",
    "Sealed",
    "SearchRequest",
    "Tombstones",
    "meeting",
    "rank",
    "rank_each",
    "stacked",
    "the_nearest",
]
