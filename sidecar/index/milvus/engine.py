"""The engine that keeps features in Milvus."""

import hashlib
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import Catalogue
from sidecar.index.engine import Commission, Draft, Searchable
from sidecar.index.local.engine import LocalEngine
from sidecar.index.meta import Meta
from sidecar.index.milvus.kinds import KINDS
from sidecar.index.milvus.reading import Reader
from sidecar.index.milvus.search import MilvusSearch, check_mark
from sidecar.index.milvus.server import Access, Server
from sidecar.index.segments import Segments
from sidecar.settings import Settings

DIGITS = 8  # of a digest, in a name
OWNER = "milvus.owner"  # a file of the folder


@dataclass(frozen=True)
class MilvusEngine:
    """Keeps features in collections; as `engine.Engine` has it. A generation that the local engine
    has made is searched where it lies, until the next training.

    Args:
        kind: of Milvus' indexes, by its name.
    """

    server: Server
    catalogue: Catalogue
    kind: str

    @classmethod
    def of(cls, settings: Settings, catalogue: Catalogue) -> "MilvusEngine":
        """Takes the settings; reaches for nothing."""
        access = Access(
            settings.milvus_uri,
            settings.milvus_token,
            settings.milvus_ca_file,
            settings.milvus_database,
        )
        return cls(Server(access), catalogue, settings.milvus_index)

    def open(self, folder: Path, meta: Meta, segments: Segments) -> Searchable:
        if meta.collection is None:
            return LocalEngine().open(folder, meta, segments)
        check_mark(self.server, self.catalogue.marks, meta)
        reader = self._reader(meta.sha256, meta.dimension)
        return MilvusSearch.open(self.server, reader, meta, segments)

    def check(self) -> None:
        self.server.check()

    def made(self, meta: Meta) -> bool:
        return meta.collection is not None

    def row_bytes(self, dimension: int) -> int:
        return 0

    def draft(self, index_dir: Path, commission: Commission) -> Draft:
        # Only here: no process that answers requests loads what builds an index.
        from sidecar.index.milvus.draft import MilvusDraft

        reader = self._reader(commission.model.sha256, commission.model.dimension)
        name = _prefix(index_dir) + _name(index_dir, commission)
        return MilvusDraft(index_dir, commission, self.server, reader, KINDS[self.kind], name)

    def tidy(self, index_dir: Path, kept: Iterable[Meta]) -> None:
        stays, ours = {meta.collection for meta in kept}, _prefix(index_dir)
        for name in self.server.names():
            if name.startswith(ours) and name not in stays:
                self.server.drop(name)

    def _reader(self, sha256: str, dimension: int) -> Reader:
        return Reader(self.catalogue.features, self.catalogue.models, sha256, dimension)


def _prefix(index_dir: Path) -> str:
    """Returns how the names of the collections begin that tasks of a folder have made: they clear
    away these alone, whoever shares the server, a copy of the catalogue for example."""
    index_dir.mkdir(parents=True, exist_ok=True)
    path = index_dir / OWNER
    if not path.exists():
        drawn = path.with_name(f".{OWNER}-{secrets.token_hex(DIGITS)}")
        drawn.write_text(secrets.token_hex(DIGITS // 2))
        with suppress(FileExistsError):
            path.hardlink_to(drawn)  # another task was faster
        drawn.unlink()
    return f"s{path.read_text()}_"


def _name(index_dir: Path, commission: Commission) -> str:
    """Returns the name of a new collection: the number that its generation most likely gets, and a
    digest of the attempt, since an attempt thought dead may go on writing into its own."""
    there = [int(path.name) for path in index_dir.glob("*") if path.name.isdecimal()]
    attempt = f"{commission.task.task_id}-{commission.task.attempt}"
    return f"g{1 + max(there, default=0):06d}_{_short(attempt)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
