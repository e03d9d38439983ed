"""The keywords of images for the next generation: those of the one before, and what was made
since."""

from collections.abc import Iterator
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Features, KeywordPage
from sidecar.index import Draft, Generation, Postings
from sidecar.index.places import places_among

AT_ONCE = 500  # images that are looked up one by one


def take(
    features: Features,
    draft: Draft,
    model: int,
    up_to: int,
    previous: Generation | None = None,
) -> None:
    """Gives a draft the keywords of its images by its model.

    Args:
        draft: of the draft, which has all its images.
        model: the catalogue's key.
        up_to: the last sequence number that the task knows of.
        previous: the generation whose keywords are taken over; without it, or where an earlier
            release made it, all are read.
    """
    seqs = draft.seqs
    parts, unlabelled = [Postings.none()], [np.empty(0, np.int64)]
    pages: Iterator[KeywordPage] = iter(())
    after = 0
    if previous is not None and previous.has_keywords:
        after = previous.meta.snapshot
        parts.append(previous.keywords.moved(places_among(previous.segments.seqs, seqs)))
        made = _labelled_since(features, model, previous)
        lacking = np.setdiff1d(previous.unlabelled, made, assume_unique=True)
        unlabelled.append(lacking[places_among(lacking, seqs) >= 0])
        pages = _pages(features, model, made)
    for page in chain(pages, features.keywords(model, after, up_to)):
        places = places_among(page.seqs, seqs)
        parts.append(Postings.of(page, places))
        unlabelled.append(page.seqs[(places >= 0) & ~page.known])
    draft.set_keywords(Postings.merged(parts), np.sort(np.concatenate(unlabelled)))


def any_made_since(features: Features, model: int, previous: Generation) -> bool:
    """Says whether keywords were made, since a generation was, of images that it holds."""
    return not previous.has_keywords or len(_labelled_since(features, model, previous)) > 0


def _labelled_since(features: Features, model: int, previous: Generation) -> NDArray[np.int64]:
    """Returns the images, int64 [n], that a generation has without keywords and the catalogue no
    longer has so: these were made since, or the image is gone."""
    return np.setdiff1d(previous.unlabelled, features.unlabelled_seqs(model), assume_unique=True)


def _pages(features: Features, model: int, seqs: NDArray[np.int64]) -> Iterator[KeywordPage]:
    """Yields the keywords of some images, int64 [n]."""
    for start in range(0, len(seqs), AT_ONCE):
        yield features.keywords_of(model, seqs[start : start + AT_ONCE].tolist())
