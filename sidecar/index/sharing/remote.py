"""Generations in an object store, as several hosts share them.

    files/<sha256>                 a file of one or many generations, named by what is in it
    generations/000012-<sha256>    a manifest: the meta.json of a generation, by its SHA-256

An object never changes, so a host that has a file by its SHA-256 has it for good, and a generation
whose manifest has the SHA-256 in the catalogue is the one that was published.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sidecar.catalogue import Shared
from sidecar.errors import IndexDamaged
from sidecar.index.meta import META, Meta
from sidecar.objects import Listed, ObjectStore, sweep

FILES, MANIFESTS = "files/", "generations/"
GRACE_S = 3600.0  # younger objects may be of a publication that is under way
SHORT = 16  # hex digits of a digest in a name


@dataclass(frozen=True)
class Remote:
    """Writes generations into the store, and deletes them there; `fetching` reads them."""

    objects: ObjectStore

    def upload(
        self, folder: Path, number: int, named: set[str], before_each: Callable[[], object]
    ) -> None:
        """Writes what the store lacks of a generation, its manifest last.

        Args:
            named: SHA-256 of the files that no sweep deletes, since a generation has them.
            before_each: called before each file; what it raises ends the upload.
        """
        there = self.objects.listed(FILES)
        young = time.time() - GRACE_S / 2
        text = (folder / META).read_bytes()
        for name, digest in Meta.parse(text).files.items():
            known = there.get(FILES + digest.sha256, Listed(-1, 0.0))
            stays = digest.sha256 in named or known.modified_at > young
            if known.bytes == digest.bytes and stays:
                continue
            before_each()
            self.objects.put(FILES + digest.sha256, folder / name)
        self.objects.put(manifest_name(number, hashlib.sha256(text).hexdigest()), text)

    def is_whole(self, row: Shared) -> bool:
        """Says whether a generation has come in whole: its manifest is written last."""
        assert row.digest is not None
        try:
            for _ in self.objects.read(manifest_name(row.number, row.digest)):
                break
        except FileNotFoundError:
            return False
        return True

    def manifest(self, row: Shared) -> bytes:
        """Returns the manifest of a generation.

        Raises:
            IndexDamaged: it is missing, or not what was published.
        """
        assert row.digest is not None
        name = manifest_name(row.number, row.digest)
        try:
            text = b"".join(self.objects.read(name))
        except FileNotFoundError as error:
            raise IndexDamaged(f"the index store lacks {name}") from error
        if hashlib.sha256(text).hexdigest() != row.digest:
            raise IndexDamaged(f"{name} in the index store is not what was published")
        return text

    def named(self, rows: Iterable[Shared]) -> set[str]:
        """Returns the SHA-256 of all files of some generations. Raises IndexDamaged."""
        metas = [Meta.parse(self.manifest(row)) for row in rows if row.digest is not None]
        return {digest.sha256 for meta in metas for digest in meta.files.values()}

    def sweep(self, rows: list[Shared], may_go_on: Callable[[], bool]) -> int:
        """Deletes the objects that no generation has any more, unless they are young.

        Args:
            rows: the generations that stay, drafts among them.
            may_go_on: asked before anything is deleted; where it says no, nothing is.
        Returns:
            how many were deleted.
        Raises:
            IndexDamaged: a manifest can't be read, so it is not known what it names.
        """
        stays = {FILES + sha256 for sha256 in self.named(rows)}
        stays |= {manifest_name(row.number, row.digest) for row in rows if row.digest}
        return sweep(self.objects, (MANIFESTS, FILES), stays, GRACE_S, may_go_on)


def manifest_name(number: int, digest: str) -> str:
    """Returns the name of a manifest, which no two generations have, whatever their numbers."""
    return f"{MANIFESTS}{number:06d}-{digest[:SHORT]}.json"
