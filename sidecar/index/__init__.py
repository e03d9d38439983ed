"""Features to their nearest neighbours: generations of the index, and searches in them.

A name of this face is loaded when it is first asked for. So the HTTP process, which builds nothing,
does not load the builder, and `index.ann` can be used where there is no database.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.index.batch_ranking import rank_each
    from sidecar.index.builder import Builder, BuildRules
    from sidecar.index.generation import Generation
    from sidecar.index.lineage import Lineage
    from sidecar.index.memtable import Memtable
    from sidecar.index.ranking import SearchRequest, rank, the_nearest
    from sidecar.index.recent import Recent
    from sidecar.index.store import GenerationStore
    from sidecar.index.tombstones import Tombstones
    from sidecar.index.writer import GenerationWriter, Sealed
else:
    from importlib import import_module

    MODULES = {
        "BuildRules": "builder",
        "Builder": "builder",
        "Generation": "generation",
        "GenerationStore": "store",
        "GenerationWriter": "writer",
        "Lineage": "lineage",
        "Memtable": "memtable",
        "Recent": "recent",
        "Sealed": "writer",
        "SearchRequest": "ranking",
        "Tombstones": "tombstones",
        "rank": "ranking",
        "rank_each": "batch_ranking",
        "the_nearest": "ranking",
    }

    def __getattr__(name):
        """Loads a name of the face."""
        if name not in MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{MODULES[name]}"), name)


__all__ = [
    "BuildRules",
    "Builder",
    "Generation",
    "GenerationStore",
    "GenerationWriter",
    "Lineage",
    "Memtable",
    "Recent",
    "Sealed",
    "SearchRequest",
    "Tombstones",
    "rank",
    "rank_each",
    "the_nearest",
]
