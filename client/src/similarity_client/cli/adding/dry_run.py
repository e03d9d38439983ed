"""What would be sent, without sending it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from similarity_client.cli.adding.failures import word_of
from similarity_client.cli.adding.naming import Naming
from similarity_client.cli.exits import Exit
from similarity_client.cli.talk import Talk
from similarity_client.errors import SimilarityError
from similarity_client.upload import Entry


@dataclass(frozen=True, slots=True)
class Planned:
    """An image that would be sent; where it would fail, by which word and why."""

    path: str
    id: str | None
    bytes: int
    word: str | None = None
    detail: str | None = None


def dry_run(talk: Talk, entries: Iterable[Entry | None], naming: Naming) -> Exit:
    """Lists images, and says how many and how large they are."""
    images = failed = size = 0

    def planned() -> Iterator[Planned]:
        nonlocal images, failed, size
        for each in (_planned(entry, naming) for entry in entries if entry is not None):
            images += each.word is None
            failed += each.word is not None
            size += each.bytes
            yield each

    found = planned()
    rows = ((each.path, each.id, each.bytes, each.word, each.detail) for each in found)
    talk.many(found, ("path", "id", "bytes", "word", "detail"), rows)
    talk.say(f"{images:,} images of {size:,} bytes would be sent, {failed:,} would fail")
    return Exit.REFUSED if failed else Exit.WELL


def _planned(entry: Entry, naming: Naming) -> Planned:
    try:
        source = entry.source()
        sha256 = None
        if naming.reads:
            digest = hashlib.sha256()
            for piece in source.pieces():
                digest.update(piece)
            sha256 = digest.hexdigest()
        return Planned(str(entry.path), entry.id or naming.id_of(entry, sha256), source.size)
    except (OSError, ValueError, SimilarityError) as error:
        return Planned(str(entry.path), entry.id, 0, *word_of(error))
    finally:
        entry.release()
