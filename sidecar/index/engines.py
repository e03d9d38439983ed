"""Which engine keeps the features of the index: INDEX_ENGINE says so."""

from sidecar.catalogue import Catalogue
from sidecar.index.engine import Engine
from sidecar.index.local.engine import LocalEngine
from sidecar.settings import Settings


def engine_of(settings: Settings, catalogue: Catalogue) -> Engine:
    """Returns the engine; reaches for nothing."""
    if settings.index_engine == "local":
        return LocalEngine()
    # Only where it is asked for: its client takes a second to load, and is an extra.
    from sidecar.index.milvus.engine import MilvusEngine

    return MilvusEngine.of(settings, catalogue)
