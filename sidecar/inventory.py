"""What there is: the images as clients may look at them, and the figures of the whole."""

import hashlib
from dataclasses import dataclass

import numpy as np

from sidecar.catalogue import Catalogue, Entry, Task
from sidecar.dial import Mark
from sidecar.errors import CatalogueDamaged, NoIndex, NoOriginal
from sidecar.generation import Generation
from sidecar.generations import Generations
from sidecar.tombstones import Tombstones


@dataclass(frozen=True)
class Stats:
    """The figures of the whole.

    Args:
        images: that have been added and not removed.
        indexed, waiting: how many of these a search can find, and how many the next update adds.
        deleted: that are gone from every search, but leave the index's files at the next update.
        catalogue_bytes, index_bytes: on the disk.
        generation, model_version: of the index; None before the first training.
        recall: for each mark of its dial the recall@10 that was measured when it was made, with its
            lower bound, and how far a search looks.
        queries: how many told the recall.
        warnings, training_due: a sentence for each promise that is not kept, and for each reason to
            train again.
        last_task: the newest, if there is one.
    """

    images: int
    indexed: int
    waiting: int
    deleted: int
    catalogue_bytes: int
    index_bytes: int
    generation: int | None
    model_version: int | None
    recall: list[Mark]
    queries: int
    warnings: list[str]
    training_due: list[str]
    last_task: Task | None


@dataclass(frozen=True)
class Inventory:
    """Looks into the catalogue, and into the index beside it."""

    catalogue: Catalogue
    generations: Generations
    tombstones: Tombstones

    def describe(self, image_id: str) -> tuple[Entry, bool]:
        """What is known of an image, and whether the index has it. Raises UnknownImage."""
        entry = self.catalogue.entries.get(image_id)
        generation = self._generation()
        indexed = generation is not None and len(generation.segments.holding(np.array([entry.seq])))
        return entry, bool(indexed)

    def original(self, image_id: str) -> bytes:
        """The upload as it came.

        Raises:
            UnknownImage: no image has this id.
            NoOriginal: it was not kept.
            CatalogueDamaged: it is not what was stored.
        """
        entries = self.catalogue.entries
        sha256 = entries.get(image_id).sha256
        original = entries.original(image_id)
        kept = entries.jpeg(image_id) if original is None else original
        if hashlib.sha256(kept).hexdigest() == sha256:
            return kept
        if original is None:
            raise NoOriginal(f"the upload of {image_id} was not kept: see KEEP_ORIGINALS")
        raise CatalogueDamaged(f"the upload of {image_id} is not what was stored")

    def stats(self) -> Stats:
        """Count; takes milliseconds with a million images."""
        generation = self._generation()
        gone = self.tombstones.refreshed(generation) if generation else None
        deleted = 0 if gone is None else len(gone.labels)
        entries, meta = self.catalogue.entries, generation.meta if generation else None
        quality = meta.quality if meta else None
        return Stats(
            images=entries.count(),
            indexed=meta.images - deleted if meta else 0,
            waiting=entries.count(after=meta.snapshot if meta else 0),
            deleted=deleted,
            catalogue_bytes=self.catalogue.database.bytes_used(),
            index_bytes=self.generations.bytes_used(),
            generation=generation.number if generation else None,
            model_version=meta.version if meta else None,
            recall=list(quality.dial.marks) if quality else [],
            queries=quality.dial.queries if quality else 0,
            warnings=quality.dial.broken() if quality else [],
            training_due=quality.training_due() if quality else [],
            last_task=next(iter(self.catalogue.tasks.recent(1)), None),
        )

    def _generation(self) -> Generation | None:
        try:
            return self.generations.current()
        except NoIndex:
            return None
