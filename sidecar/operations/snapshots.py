"""What a generation says of its images, held against the catalogue: metadata and keywords."""

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Features, Metadata
from sidecar.fields import Columns
from sidecar.fields.columns import Column
from sidecar.index import Generation, Layer, Postings, stacked
from sidecar.index.places import places_among

LAST = 2**62  # over every number of a change


def other_metadata(
    generation: Generation, metadata: Metadata, stored: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Returns the sequence numbers, int64 [n], of images whose fields are not those that they had
    when the generation was made.

    Args:
        stored: int64 [m] ascending, the images that the catalogue has.
    Raises:
        CatalogueDamaged: a document is not what was stored.
    """
    seqs, last = generation.segments.seqs, generation.meta.last_change
    layers: tuple[Layer, ...] = ()
    newer: list[int] = []
    for page in metadata.stream(0, LAST):
        newer += [change.seq for change in page if change.change > last]
        if known := [change for change in page if change.change <= last]:
            layers = stacked(layers, Layer.of(known))
    nothing = Columns.of(())
    wanted = reduce(Layer.under, layers).among(seqs) if layers else nothing
    comparable = np.isin(seqs, stored) & ~np.isin(seqs, newer)
    return seqs[_differing(wanted, generation.fields or nothing, comparable)]


def other_keywords(generation: Generation, features: Features, model: int) -> NDArray[np.int64]:
    """Returns the sequence numbers, int64 [n], of images whose keywords are not those that the
    catalogue has by a model; what it was given since the generation was made does not count."""
    if not generation.has_keywords:
        return np.empty(0, np.int64)
    seqs = generation.segments.seqs
    comparable = np.zeros(len(seqs), np.bool_)
    parts = [Postings.none()]
    for page in features.keywords(model, 0, generation.meta.snapshot):
        places = places_among(page.seqs, seqs)
        parts.append(Postings.of(page, places))
        comparable[places[(places >= 0) & page.known]] = True
    comparable[places_among(generation.unlabelled, seqs)] = False
    places = np.where(comparable, np.arange(len(seqs)), -1)
    wanted = Postings.merged(parts).moved(places)
    return seqs[wanted.differing(generation.keywords.moved(places))]


def _differing(wanted: Columns, found: Columns, comparable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Returns the rows, int64 [n], of those that may be compared, whose fields are others."""
    rows: set[int] = set()
    places = np.where(comparable, np.arange(len(comparable)), -1)
    one, other = (each.moved(places, len(places)).fields for each in (wanted, found))
    for name in one.keys() | other.keys():
        for kind in ("keys", "numbers"):
            columns = (getattr(fields[name], kind) for fields in (one, other) if name in fields)
            pairs = [_pairs(column) for column in columns]
            different = pairs[0] if len(pairs) == 1 else pairs[0] ^ pairs[1]
            rows |= {row for row, _ in different}
    return np.array(sorted(rows), np.int64)


def _pairs(column: Column) -> set[tuple[int, float]]:
    return {*zip(column.rows.tolist(), column.values.tolist(), strict=True)}
