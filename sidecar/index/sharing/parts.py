"""The parts by which several hosts share an index, where INDEX_STORE says so."""

from dataclasses import dataclass

from sidecar.catalogue import Catalogue
from sidecar.index.sharing.follower import Follower
from sidecar.index.sharing.remote import Remote
from sidecar.index.store import GenerationStore
from sidecar.objects import open_store


@dataclass(frozen=True)
class Sharing:
    """What follows the catalogue, and what reaches the object store."""

    follower: Follower
    remote: Remote

    @classmethod
    def of(cls, url: str, catalogue: Catalogue, generations: GenerationStore) -> "Sharing | None":
        """Makes the parts; None where INDEX_STORE is empty. Reaches for nothing."""
        if not url:
            return None
        remote = Remote(open_store(url))
        return cls(Follower(generations, catalogue.generations, remote), remote)
