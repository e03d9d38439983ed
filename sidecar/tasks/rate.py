"""How many images a second a version embeds here and now, measured with a few of those stored, by
the way of an upgrade: the same calls, as many at once, behind all live traffic."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from sidecar.catalogue import Features, StoredImage
from sidecar.models.trial import Trial
from sidecar.tasks.embedding import CALLS, described

ROUNDS = 2  # of as many calls as are in flight at once: with fewer, Triton would idle at both ends
MOST_S = 5.0  # after which no further call begins


@dataclass(frozen=True)
class Rate:
    """What was measured: so many images, and how many of them a second."""

    images: int
    per_s: float


def measured(features: Features, trial: Trial, key: int, up_to: int) -> Rate | None:
    """Embeds images that lack the features of a model, and throws away what comes of it.

    Args:
        trial: embeds them.
        key: of the model whose features they lack.
        up_to: the sequence number of the newest image.
    Returns:
        None where no image lacks them.
    Raises:
        FeaturesUnavailable: at once, other than to a task.
        CatalogueDamaged, CatalogueUnavailable.
    """
    model = trial.model
    first = features.missing(key, 0, up_to, model.largest_call)
    if not first:
        return None
    model.describe_all([image.jpeg for image in first])  # a version's first call takes longer
    began = time.monotonic()
    calls = _sample(features, key, up_to, model.largest_call)
    with closing(described(trial, model.record, calls, patience_s=0)) as answers:
        done = sum(map(len, answers))
    return Rate(done, done / (time.monotonic() - began))


def _sample(features: Features, key: int, up_to: int, size: int) -> Iterator[list[StoredImage]]:
    """Yields calls out of all of the catalogue, the old images and the new, until time is up."""
    after, calls, until = 0, ROUNDS * (CALLS + 1), time.monotonic() + MOST_S
    for number in range(calls):
        page = features.missing(key, max(after, up_to * number // calls), up_to, size)
        if not page or time.monotonic() > until:
            return
        yield page
        after = page[-1].seq
