"""Some of the stored images with what two versions make of them: the one in use has done so when
they were added, the other does it now, as an upgrade would, and what comes of it is thrown away."""

import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Images, ModelRecord, Stored
from sidecar.models.trial import Trial
from sidecar.tasks.embedding import described

SAMPLE = 256  # images at most
MOST_S = 5.0  # after which no further call begins

Row = NDArray[np.float32]  # [D]


@dataclass(frozen=True, eq=False)
class Sample:
    """Stored images in random order.

    Args:
        ids: of the images.
        before, after: float32 [n, D] features by the version in use, and by the other one.
    """

    ids: list[str]
    before: NDArray[np.float32]
    after: NDArray[np.float32]


def paired(images: Images, trial: Trial, in_use: ModelRecord) -> Sample | None:
    """Embeds images behind all live traffic, for a few seconds at most.

    Args:
        trial: embeds them.
        in_use: whose features of them are read.
    Returns:
        None where there are none.
    Raises:
        FeaturesUnavailable: at once, other than to a task.
        ImageUnreadable, CatalogueDamaged, CatalogueUnavailable.
    """
    read: dict[int, tuple[str, Row]] = {}
    made: dict[int, Row] = {}
    calls = _calls(images, in_use, trial.model.largest_call, read)
    with closing(described(trial, trial.model.record, calls, patience_s=0)) as answers:
        for answer in answers:
            made |= {seq: each.features for seq, each in answer.items()}
    if not made:
        return None
    ids, before = zip(*(read[seq] for seq in made), strict=True)
    return Sample([*ids], np.stack(before), np.stack([*made.values()]))


def _calls(
    images: Images, in_use: ModelRecord, size: int, read: dict[int, tuple[str, Row]]
) -> Iterator[list[Stored]]:
    """Yields images that the version in use has features of, until time is up.

    Args:
        read: takes ids and features by sequence number.
    """
    ids, until = _drawn(images), time.monotonic() + MOST_S
    for start in range(0, len(ids), size):
        if start and time.monotonic() > until:
            return
        call = []
        for each in images.stored(ids[start : start + size], in_use.model, jpegs=True).values():
            if isinstance(each, Exception):
                raise each
            if each.features is not None:
                read[each.seq] = (each.id, each.features)
                call.append(each)
        if call:
            yield call


def _drawn(images: Images) -> list[str]:
    """Returns ids in random order: all of them, where there are few."""
    found = dict(images.page(0, SAMPLE + 1))
    if len(found) > SAMPLE:
        newest, _ = images.last_added() or (0, 0.0)
        # Where many were removed several draws lead to one image: hence more draws than images.
        after = random.sample(range(newest), min(newest, 2 * SAMPLE))
        found = dict(row for seq in after for row in images.page(seq, 1))
    ids = [*found.values()]
    return random.sample(ids, min(len(ids), SAMPLE))
