"""The keywords of many images, as arrays."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue.features.keyword_rows import LABEL, SCORE, is_whole, split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KeywordPage:
    """The keywords of images, one image after the other, in order of their sequence numbers.

    Args:
        seqs: int64 [n].
        counts: int64 [n], how many keywords each has.
        known: bool [n], False where they were not made yet, or are not what was stored: such an
            image has a count of 0.
        labels: uint16 [m], places in the version's labels.txt; m is the sum of the counts.
        scores: float16 [m], of each image the highest first.
    """

    seqs: NDArray[np.int64]
    counts: NDArray[np.int64]
    known: NDArray[np.bool_]
    labels: NDArray[np.uint16]
    scores: NDArray[np.float16]

    @classmethod
    def of(cls, model: int, rows: Sequence[Any]) -> "KeywordPage":
        """Returns rows of a sequence number and the column beside the features of `model`.

        A row that is damaged is logged. They are decoded in a few steps for all of them: an object
        for each would cost more than to read it.
        """
        known = [made is not None and is_whole(seq, model, made) for seq, made in rows]
        pairs = [*zip(rows, known, strict=True)]
        damaged = [seq for (seq, made), whole in pairs if made is not None and not whole]
        if damaged:
            log.warning(
                "the keywords of the images number %s are not what was stored", damaged[:10]
            )
        halves = [split(made) if whole else (b"", b"") for (_, made), whole in pairs]
        return cls(
            np.array([seq for seq, _ in rows], np.int64),
            np.array([len(labels) // LABEL.itemsize for labels, _ in halves], np.int64),
            np.array(known, np.bool_),
            np.frombuffer(b"".join(labels for labels, _ in halves), LABEL),
            np.frombuffer(b"".join(scores for _, scores in halves), SCORE),
        )
