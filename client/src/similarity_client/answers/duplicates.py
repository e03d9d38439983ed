"""The answers about duplicates."""

from dataclasses import dataclass

from similarity_client.answers.meta import Meta


@dataclass(frozen=True, slots=True)
class DuplicateImage:
    """An image of a group; size and bytes are those of the upload where it was kept, else of the
    canonical JPEG."""

    id: str
    width: int | None
    height: int | None
    bytes: int
    added_at: float


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Images that are duplicates of each other.

    Args:
        kind: `identical`, `same` or `similar`, the `class` of the answer.
        probability: of its least probable pair, 0 to 1.
        best: the id of the one to keep.
    """

    kind: str
    probability: float
    best: str
    images: tuple[DuplicateImage, ...]


@dataclass(frozen=True, slots=True)
class DuplicatePage:
    """A page of groups.

    Args:
        next: the `after` of the next page; None on the last.
        ran_at: when all images had last been compared, in seconds since 1970; None before that.
    """

    groups: tuple[DuplicateGroup, ...]
    next: str | None
    ran_at: float | None
    meta: Meta


@dataclass(frozen=True, slots=True)
class DuplicateLines:
    """All groups."""

    groups: tuple[DuplicateGroup, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Decided:
    """How many decisions were kept."""

    decisions: int
    meta: Meta
