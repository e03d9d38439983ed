"""From the sequence numbers that a look has found to ids: it looks again until each has one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sidecar.catalogue import Images
from sidecar.errors import IndexAhead
from sidecar.index import Tombstones
from sidecar.index.ann import ExcludeIds
from sidecar.index.request import Found
from sidecar.search.view import View, Views
from sidecar.telemetry import timings

Look = Callable[[View, ExcludeIds | None], list[Found]]


@dataclass(frozen=True)
class Identified:
    """What was found.

    Args:
        view: in which, with what is recent.
        found: as it was found, images that are gone by now among it.
        ids: the ids of the others, by sequence number.
    """

    view: View
    found: list[Found]
    ids: dict[int, str]


@dataclass(frozen=True)
class Identification:
    """Looks in a view for images, and into the catalogue for their ids."""

    images: Images
    views: Views
    tombstones: Tombstones

    def of(self, view: View, look: Look) -> Identified:
        """Looks again, without the removed images, until the catalogue has an id for each image
        that was found, or knows of no further removal.

        Args:
            view: before it has read what is recent.
            look: finds images in a view, without those of the generation that are known to be gone.
        Raises:
            IndexAhead, IndexDamaged, NoIndex, CatalogueUnavailable.
        """
        generation, view = view.generation, self.views.read_on(view)
        excluded = self.tombstones.known(generation) if generation else None
        known_before: object = None
        while True:
            with timings.stage("search"):
                found = look(view, excluded)
                every = np.unique(np.concatenate([seqs for seqs, _ in found])).tolist()
                ids = self.images.ids_of(every, view.seen)
            known = (len(excluded.labels) if excluded else 0, view.removals_seen)
            if len(ids) == len(every) or known == known_before:
                return Identified(view, found, ids)
            if generation is not None and not self.views.generations.fits(generation.meta):
                raise IndexAhead(f"generation {generation.number} is newer than the catalogue")
            known_before = known
            excluded = self.tombstones.refreshed(generation) if generation else None
            view = self.views.read_on(view, removed=True)
