"""What is stored: single images as clients see them, and the figures of `/similarity/stats`."""

import hashlib
import time
from dataclasses import dataclass

import numpy as np

from sidecar.catalogue import SEEN_S, BackupMade, Catalogue, ImageRecord, Task, Totals
from sidecar.errors import CatalogueDamaged, NoIndex, NoOriginal
from sidecar.index import Generation, GenerationStore
from sidecar.index.calibration import Calibration
from sidecar.index.nprob import OperatingPoint
from sidecar.index.recall.filtered import FilteredRecall

PUBLISHING_S = 1.0  # for a commit, after which the figures are those of files and catalogue
PAUSE_S = 0.01


@dataclass(frozen=True)
class DuplicateFigures:
    """How many pairs of duplicates of each kind are known, by the model in use, and when all images
    had last been compared (seconds since 1970; None before the first run has ended)."""

    identical: int
    same: int
    similar: int
    ran_at: float | None


@dataclass(frozen=True)
class Stats:
    """The figures of catalogue and index; the fields are keys of the answer.

    Args:
        images: that have been added and not removed.
        indexed, waiting: how many of these the index has, and how many the next update adds.
        live: how many of those that wait a search finds all the same, because it compares them one
            by one.
        deleted: removed images, gone from every search, that leave the index's files at the next
            update.
        catalogue_bytes, index_bytes: on the disk.
        generation, model_version: of the index that this host searches; None before the first
            training.
        current_generation: the one that is to be searched, which is another one for some seconds
            where several hosts share the index.
        hosts_behind: how many hosts that gave a life sign within a minute search an older one.
        generations_ahead: newer ones that no search uses, because the catalogue went back: it lacks
            what they were made of. The next training or update clears them away.
        recall: for each operating point the recall@10 that was measured when the generation was
            made, with its lower bound, and how far a search looks.
        queries: with how many the recall was measured.
        filtered_recall: what searches among a share of the images find, measured at the training.
        warnings, training_due: a sentence for each promise that is not kept, and for each reason to
            train again.
        last_task: the newest task, if there is one.
        last_backup: of this catalogue, since it was made or restored.
        duplicates: None before the first search for them.
        same_image: how well the probability of the same image held when the index was trained; None
            where that was not checked.
    """

    images: int
    indexed: int
    waiting: int
    live: int
    deleted: int
    catalogue_bytes: int
    index_bytes: int
    generation: int | None
    current_generation: int | None
    hosts_behind: int
    model_version: int | None
    generations_ahead: list[int]
    recall: list[OperatingPoint]
    queries: int
    filtered_recall: list[FilteredRecall]
    warnings: list[str]
    training_due: list[str]
    last_task: Task | None
    last_backup: BackupMade | None
    duplicates: DuplicateFigures | None
    same_image: Calibration | None


@dataclass(frozen=True)
class Inventory:
    """Reads the catalogue, and the index beside it.

    Args:
        live_max: how many images that wait a search finds; 0 for none.
        is_shared: whether several hosts share the index.
    """

    catalogue: Catalogue
    generations: GenerationStore
    live_max: int = 0
    is_shared: bool = False

    def is_indexed(self, image: ImageRecord) -> bool:
        """Returns whether the index has an image."""
        generation = self._generation()
        return generation is not None and bool(
            len(generation.segments.holding(np.array([image.seq])))
        )

    def original(self, image_id: str) -> bytes:
        """Returns the upload as it came.

        Raises:
            UnknownImage: no image has this id.
            NoOriginal: it was not kept.
            CatalogueDamaged: its bytes are not what was stored.
        """
        upload = self.catalogue.images.upload(image_id)
        if hashlib.sha256(upload.content).hexdigest() == upload.sha256:
            return upload.content
        if not upload.kept:
            raise NoOriginal(f"the upload of {image_id} was not kept (KEEP_ORIGINALS)")
        raise CatalogueDamaged(f"the upload of {image_id} is not what was stored")

    def stats(self) -> Stats:
        """Returns the figures of one moment; takes milliseconds with a million images."""
        return self.look()[1]

    def look(self) -> tuple[Generation | None, Stats]:
        """Returns the generation that is searched, and the figures of the same moment."""
        generation, totals = self._at_one_moment()
        return generation, self._stats(generation, totals)

    def _stats(self, generation: Generation | None, totals: Totals) -> Stats:
        meta = generation.meta if generation else None
        quality = meta.quality if meta else None
        number = generation.number if generation else None
        current, behind = self._hosts() if self.is_shared else (number, 0)
        # A generation holds every image up to its snapshot, but for those removed since.
        indexed = totals.images - totals.waiting
        return Stats(
            images=totals.images,
            indexed=indexed,
            waiting=totals.waiting,
            live=self._live(generation, totals),
            deleted=max(0, meta.images - indexed) if meta else 0,
            catalogue_bytes=totals.bytes,
            index_bytes=self.generations.bytes_used(),
            generation=number,
            current_generation=current,
            hosts_behind=behind,
            model_version=meta.version if meta else None,
            generations_ahead=self.generations.ahead(),
            recall=list(quality.operating_points.points) if quality else [],
            queries=quality.operating_points.queries if quality else 0,
            filtered_recall=list(quality.filtered.recalls) if quality else [],
            warnings=quality.operating_points.below_target() if quality else [],
            training_due=quality.training_due() if quality else [],
            last_task=totals.last_task,
            last_backup=totals.last_backup,
            duplicates=self._duplicates(),
            same_image=quality.same_image if quality else None,
        )

    def _hosts(self) -> tuple[int | None, int]:
        """Returns which generation is to be searched, and how many hosts search an older one."""
        current = self.catalogue.generations.current()
        if current is None:
            return None, 0
        seen = self.catalogue.readers.seen(SEEN_S)
        behind = {each.host for each in seen if each.generation < current.number}
        return current.number, len(behind)

    def _duplicates(self) -> DuplicateFigures | None:
        record = self.catalogue.models.in_use()
        run = self.catalogue.duplicates.run_of(record.model) if record is not None else None
        if record is None or run is None:
            return None
        counts = self.catalogue.duplicates.counts(record.model)
        by_name = {kind.value: count for kind, count in counts.items()}
        return DuplicateFigures(**by_name, ran_at=run.ended_at)

    def _live(self, generation: Generation | None, totals: Totals) -> int:
        if generation is None and totals.waiting > self.live_max:
            return 0  # all or none
        return min(totals.waiting, self.live_max)

    def _at_one_moment(self) -> tuple[Generation | None, Totals]:
        """Returns the generation that is searched, and the catalogue at a moment when it was.

        A generation is in its place just before the commit that ends its task: in between, files
        and catalogue do not agree.
        """
        deadline = time.monotonic() + PUBLISHING_S
        while True:
            generation = self._generation()
            totals = self.catalogue.summary.totals(generation.meta.snapshot if generation else 0)
            if self._generation() is not generation:
                continue  # another one was published just now
            if _agree(generation, totals) or time.monotonic() > deadline:
                return generation, totals
            time.sleep(PAUSE_S)

    def _generation(self) -> Generation | None:
        try:
            return self.generations.current()
        except NoIndex:
            return None


def _agree(generation: Generation | None, totals: Totals) -> bool:
    """Says whether the catalogue knows a generation, unless no task can be about to publish it."""
    number = generation.number if generation else 0
    return totals.running is None or number <= totals.published
