"""The words of duplicates: how alike two images are, and what users decide about them."""

from enum import StrEnum


class DuplicateKind(StrEnum):
    """How alike two images are; the values are those of the database, of answers and metrics."""

    IDENTICAL = "identical"  # uploads of the same bytes
    SAME = "same"  # one image, saved or scaled again
    SIMILAR = "similar"  # look-alikes


class Decision(StrEnum):
    """What a user decided about two images; the values are those of the database and of
    requests."""

    SAME = "same"
    DIFFERENT = "different"
    KEEP_BOTH = "keep_both"


PROBABLE = {DuplicateKind.SAME: 0.9, DuplicateKind.SIMILAR: 0.5}  # from which on


def kind_of(probability: float) -> DuplicateKind | None:
    """Returns the kind of a pair of different uploads; None below all."""
    return next((kind for kind, least in PROBABLE.items() if probability >= least), None)
