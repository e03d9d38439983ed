"""The answers about images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from similarity_client.answers.meta import Meta
from similarity_client.errors import SimilarityError


@dataclass(frozen=True, slots=True)
class Similar:
    """A stored image that is near to one that was added.

    Args:
        dist: squared L2 distance.
        probability: that both are the same, 0 to 1; None where fewer than ten others are there.
    """

    id: str
    dist: float
    probability: float | None


@dataclass(frozen=True, slots=True)
class Added:
    """An image that is on the service's disk.

    Args:
        identical: whether the very same file was stored under this id before: by an earlier attempt
            of the same call, maybe. Nothing was changed then, nor was its metadata.
        similar: the nearest images that were stored before it; None unless `report_similar` asked
            for them, and where it was stored before itself.
    """

    id: str
    identical: bool
    meta: Meta
    similar: tuple[Similar, ...] | None = None


@dataclass(frozen=True, slots=True)
class AddedLine:
    """One file of a batch.

    Args:
        name: of the file; "" where it says why the batch ended early.
        id: None where the file failed.
        error: None where it did not.
    """

    name: str
    id: str | None
    identical: bool
    error: SimilarityError | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The files of a batch, in their order."""

    lines: tuple[AddedLine, ...]
    meta: Meta

    @property
    def failed(self) -> tuple[AddedLine, ...]:
        """Those that were not added."""
        return tuple(line for line in self.lines if line.error is not None)


@dataclass(frozen=True, slots=True)
class Removed:
    """An image that is gone."""

    id: str
    meta: Meta


@dataclass(frozen=True, slots=True)
class State:
    """How an image is stored: `missing`, `same`, `other`; of a removal `removed` or `missing`."""

    id: str
    state: str


@dataclass(frozen=True, slots=True)
class States:
    """How images are stored, in the order in which they were asked for."""

    images: tuple[State, ...]
    meta: Meta

    def of(self, state: str) -> tuple[str, ...]:
        """Returns the ids of those in a state."""
        return tuple(image.id for image in self.images if image.state == state)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword, and how likely an image has it, 0..1."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Image:
    """A stored image.

    Args:
        added_at: seconds since 1970.
        sha256: of its upload.
        versions: of the model, that have features of it.
        indexed: whether the index has it.
    """

    id: str
    added_at: float
    sha256: str
    versions: tuple[int, ...]
    indexed: bool
    keywords: tuple[Keyword, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class File:
    """The bytes of a stored image.

    Args:
        kind: its Content-Type.
        etag: that changes when the image does; None for an original.
    """

    content: bytes
    kind: str
    etag: str | None
    meta: Meta


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is said of an image."""

    id: str
    metadata: Mapping[str, Any]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Listed:
    """An image of a list; `score` is that of the keyword which was asked for, None without one."""

    id: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; `next` is the `after` of the next one, None on the last."""

    images: tuple[Listed, ...]
    next: int | str | None
    meta: Meta


@dataclass(frozen=True, slots=True)
class KeywordCount:
    """How many images have a keyword."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class KeywordCounts:
    """Which keywords images have, the most frequent first; `unlabelled` images have none yet."""

    keywords: tuple[KeywordCount, ...]
    unlabelled: int
    meta: Meta
