"""How the images of an upload are named and described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from similarity_client.upload.entry import Entry
from similarity_client.upload.naming import IdFrom, id_of

Said = Mapping[str, Any] | None
MetadataOf = Callable[[Path], Said]


@dataclass(frozen=True, slots=True)
class Plan:
    """How images are uploaded.

    Args:
        resume: whether they are looked for on the service first.
        overwrite: whether an image that differs is replaced.
        id_of: returns the id of an entry, whose SHA-256 is None without `resume`; raises ValueError
            or SimilarityError: it gets none.
        said_of: returns what is said of an entry with an id, None for nothing.
        unique: whether an image is left out that is stored already, under another id.
    """

    resume: bool
    overwrite: bool
    id_of: Callable[[Entry, str | None], str]
    said_of: Callable[[Entry, str], Said]
    unique: bool = False


def plan(
    resume: bool,
    overwrite: bool,
    id_from: IdFrom,
    metadata: MetadataOf | None,
    unique: bool = False,
) -> Plan:
    """Returns how files are uploaded, as `Similarity.upload` describes it."""

    def name(entry: Entry, sha256: str | None) -> str:
        return id_of(entry.path, id_from, sha256)

    def said(entry: Entry, _: str) -> Said:
        return None if metadata is None else metadata(entry.path)

    return Plan(resume, overwrite, name, said, unique)
