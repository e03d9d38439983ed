"""The answers of searches and of the model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from similarity_client.answers.images import Keyword
from similarity_client.answers.meta import Meta
from similarity_client.errors import SimilarityError


@dataclass(frozen=True, slots=True)
class Match:
    """An image that was found; `keywords` is None where they were not made yet."""

    id: str
    dist: float
    metadata: Mapping[str, Any]
    keywords: tuple[Keyword, ...] | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, the nearest first, or in the order that it asked for.

    Args:
        dist: squared L2 distances; ascending, unless there are scores.
        result: the ids, in the same order.
        matches: the same with what is known of each; None unless `fields=True` asked for it.
        score: what the first 100 are ordered by, though the nearest stays first, and None for each
            after them; None unless the order is "similar".
        probability: of each that it is the same image, 0 to 1; None unless that was asked for, and
            None of each where fewer than ten others are there.
    """

    dist: tuple[float, ...]
    result: tuple[str, ...]
    matches: tuple[Match, ...] | None
    meta: Meta
    score: tuple[float | None, ...] | None = None
    probability: tuple[float | None, ...] | None = None

    def pairs(self) -> Iterator[tuple[float, str]]:
        """Yields each distance with its id."""
        return zip(self.dist, self.result, strict=True)


@dataclass(frozen=True, slots=True)
class FoundLine:
    """What one search of many found.

    Args:
        query: the id, or the name of the file; "" where it says why the batch ended early.
        error: None where the search was made.
        score: as in Found.
    """

    query: str
    dist: tuple[float, ...]
    result: tuple[str, ...]
    error: SimilarityError | None
    score: tuple[float | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class FoundBatch:
    """What many searches found, in their order."""

    lines: tuple[FoundLine, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class SharedKeyword:
    """A keyword that two images have, with its score in the one and in the other."""

    name: str
    score: float
    other_score: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two images are apart, and what both show."""

    dist: float
    keywords_shared: tuple[SharedKeyword, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an image matches a query.

    Args:
        similarity: the product of their features, at most 1; the sum of `map`.
        map: what each region of the match adds to it, rows from the top.
        box: the part of the match that `map` covers: x, y, width, height, in fractions.
        keywords_shared: `score` is that of the query, `other_score` that of the match.
    """

    similarity: float
    dist: float
    map: tuple[tuple[float, ...], ...]
    box: tuple[float, float, float, float]
    keywords_shared: tuple[SharedKeyword, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Concepts:
    """The likeliest keywords of an image."""

    concepts: tuple[Keyword, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Features:
    """The features of an image, of norm 1, by the version in `meta.model_version`. A search takes
    them as `vector`."""

    features: tuple[float, ...]
    meta: Meta
