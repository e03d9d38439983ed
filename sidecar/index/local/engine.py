"""The engine that keeps a generation's features on each host, and searches them with FAISS."""

from collections.abc import Iterable
from pathlib import Path

from sidecar.errors import IndexDamaged
from sidecar.index.ann import Index
from sidecar.index.engine import Commission, Draft, Searchable
from sidecar.index.local.search import LocalSearch
from sidecar.index.meta import LISTS, TRAINED, Meta
from sidecar.index.segments import FEATURES, Segments


class LocalEngine:
    """Keeps all of a generation in its folder; as `engine.Engine` has it."""

    def open(self, folder: Path, meta: Meta, segments: Segments) -> Searchable:
        if meta.collection is not None:
            raise IndexDamaged(
                f"generation {folder.name} of the index is the collection {meta.collection} of "
                "Milvus, and INDEX_ENGINE is local: train again"
            )
        index = Index.map(folder / TRAINED, folder / LISTS, meta.dimension)
        return LocalSearch(index, segments, meta.quality)

    def check(self) -> None:
        """There is nothing to be asked."""

    def row_bytes(self, dimension: int) -> int:
        return FEATURES.itemsize * dimension

    def made(self, meta: Meta) -> bool:
        return meta.collection is None

    def draft(self, index_dir: Path, commission: Commission) -> Draft:
        # Only here: no process that answers requests loads what builds an index.
        from sidecar.index.local.draft import LocalDraft

        return LocalDraft(index_dir, commission)

    def tidy(self, index_dir: Path, kept: Iterable[Meta]) -> None:
        """All there is lies in folders."""
