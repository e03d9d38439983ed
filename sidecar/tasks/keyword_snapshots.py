"""The keywords of images for the next generation: those of the one before, and what was made
since."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from sidecar.catalogue import Features, KeywordPage
from sidecar.index import Generation, GenerationWriter, Postings
from sidecar.index.places import places_among

AT_ONCE = 500  # images that are looked up one by one


def take(
    features: Features,
    writer: GenerationWriter,
    model: int,
    up_to: int,
    previous: Generation | None = None,
) -> None:
    """Gives a draft the keywords of its images by its model.

    Args:
        writer: of the draft, which has all its images.
        model: the catalogue's key.
        up_to: the last sequence number that the task knows of.
        previous: the generation whose keywords are taken over; without it, or where an earlier
            release made it, all are read.
    """
    seqs = writer.segments().seqs
    parts, unlabelled = [Postings.none()], [np.empty(0, np.int64)]
    after = 0
    if previous is not None and previous.has_keywords:
        after = previous.meta.snapshot
        parts.append(previous.keywords.moved(places_among(previous.segments.seqs, seqs)))
    for page in chain(
        _made_since(features, model, previous), features.keywords(model, after, up_to)
    ):
        places = places_among(page.seqs, seqs)
        parts.append(Postings.of(page, places))
        unlabelled.append(page.seqs[(places >= 0) & ~page.known])
    writer.set_keywords(Postings.merged(parts), np.concatenate(unlabelled))


def any_made_since(features: Features, model: int, previous: Generation) -> bool:
    """Says whether keywords were made, since a generation was, of images that it holds."""
    if not previous.has_keywords:
        return True
    lacking = features.count_unlabelled(model)
    return lacking < len(previous.unlabelled)


def _made_since(
    features: Features, model: int, previous: Generation | None
) -> Iterator[KeywordPage]:
    """Yields anew the images whose keywords a generation lacks."""
    if previous is None or not previous.has_keywords:
        return
    for start in range(0, len(previous.unlabelled), AT_ONCE):
        yield features.keywords_of(model, previous.unlabelled[start : start + AT_ONCE].tolist())
