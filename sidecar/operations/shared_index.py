"""An index that several hosts share: read through in the object store, and handed over to it."""

from collections.abc import Iterator

from sidecar.catalogue import Catalogue, Shared
from sidecar.errors import IndexDamaged, NoIndex
from sidecar.index import GenerationStore
from sidecar.index.meta import Meta
from sidecar.index.sharing.parts import Sharing
from sidecar.index.sharing.remote import FILES, Remote
from sidecar.objects import FileDigest, is_sound


def store_problems(rows: list[Shared], remote: Remote) -> Iterator[str]:
    """Reads every object that a generation names, once, and yields a sentence for each that is
    missing or not what was published.

    Raises:
        IndexStoreUnavailable: the store can't be read.
    """
    seen: set[str] = set()
    for row in rows:
        if row.digest is None or not row.is_published:
            continue
        try:
            meta = Meta.parse(remote.manifest(row))
        except IndexDamaged as error:
            yield str(error)
            continue
        for name, digest in meta.files.items():
            if digest.sha256 not in seen:
                seen.add(digest.sha256)
                damage = _damage(remote, name, digest)
                if damage is not None:
                    yield f"generation {row.number:06d} in the index store: {damage}"


def _damage(remote: Remote, name: str, digest: FileDigest) -> str | None:
    """Says what is wrong with an object, if anything is."""
    object_name = FILES + digest.sha256
    try:
        if is_sound(remote.objects, object_name, digest.sha256):
            return None
    except FileNotFoundError:
        return f"{name} is missing ({object_name})"
    return f"{name} is not what was published ({object_name})"


def hand_over(catalogue: Catalogue, generations: GenerationStore, sharing: Sharing) -> None:
    """Publishes to all hosts what this one has, as after a restore; nothing where it has none."""
    try:
        current = generations.current()
    except NoIndex:
        return
    meta, digest = current.meta, current.digest
    assert digest is not None
    taken = max(generations.numbers())
    with catalogue.writing() as transaction:
        number = transaction.generations.announce(
            digest, meta.sha256, meta.mark, meta.removals, taken
        )
    sharing.remote.upload(current.folder, number, set(), lambda: None)
    with catalogue.writing() as transaction:
        transaction.generations.publish(number, digest, keep=1)
    sharing.follower.catch_up()
