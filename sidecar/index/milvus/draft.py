"""A draft whose features lie in Milvus: a collection made afresh, or that of the generation before,
changed in its place."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Page
from sidecar.index.ann import Device
from sidecar.index.engine import Commission, Published, Sealed
from sidecar.index.meta import TRUTH
from sidecar.index.milvus.kinds import FLAT, Kind, named
from sidecar.index.milvus.reading import Reader, Rows
from sidecar.index.milvus.server import Server
from sidecar.index.milvus.tuning import Tuner
from sidecar.index.nprob import OperatingPoints
from sidecar.index.recall.filtered import UNMEASURED
from sidecar.index.recall.ground_truth import GroundTruth, GroundTruthBuilder
from sidecar.index.recall.quality import Quality, Shape
from sidecar.index.writer import GenerationWriter


class MilvusDraft(GenerationWriter):
    """Writes features into a collection; as `engine.Draft` has it."""

    def __init__(
        self,
        index_dir: Path,
        commission: Commission,
        server: Server,
        reader: Reader,
        kind: Kind,
        collection: str,
    ) -> None:
        """Begins a draft.

        Args:
            collection: the name of a new one.
        """
        super().__init__(index_dir, commission)
        self._server = server
        self._reader = reader
        self._kind = kind
        self._collection = collection
        self._before: Published | None = None
        self._stayed = 0
        self._made = False
        self._built: tuple[GroundTruth, Quality] | None = None

    def continue_from(self, previous: Published, removed: NDArray[np.int64]) -> None:
        """As `engine.Draft` has it. The collection is marked first: should the catalogue go back
        behind this task, it is known to lack what is deleted now."""
        assert previous.meta.collection is not None
        self._collection, self._before, self._made = previous.meta.collection, previous, True
        self._server.set_mark(self._collection, self._mark)
        # What an update that was lost has put in; what is still stored comes again.
        left = self._server.keys(self._collection, previous.meta.snapshot)
        self._server.delete(self._collection, np.union1d(removed, left))
        stays = ~np.isin(previous.segments.seqs, removed)
        self._number(previous.segments.seqs[stays], previous.segments.crcs[stays])
        self._stayed = self.images

    def append(self, pages: Iterable[Page], report: Callable[[int], None]) -> None:
        self._make()
        for page in pages:
            self._server.upsert(self._collection, page.seqs, page.features)
            self._number(page.seqs, page.crcs)
            report(self.images - self._stayed)

    def build(self) -> None:
        self._make()
        kind = self._kind_now()
        self._server.index(self._collection, kind, lambda: self._report("adding", 0.5))
        rows = Rows(self._reader, self.seqs)
        truth = self._truth(rows)
        measuring = partial(self._report, "measuring", 0.9)
        points = Tuner(self._server, self._collection, kind, measuring).tune(truth, rows)
        self._built = truth, self._quality(kind, points)

    def seal(self, removals: int, snapshot: int) -> Sealed:
        assert self._built is not None
        truth, quality = self._built
        truth.save(self.folder / TRUTH)
        return self._seal(quality, removals, snapshot, self._collection)

    @property
    def _mark(self) -> str:
        return self._commission.task.mark or ""

    def _report(self, phase: str, progress: float) -> None:
        self._commission.report(phase, progress)

    def _make(self) -> None:
        """Makes the collection, unless it is there."""
        if not self._made:
            self._server.create(self._collection, self._commission.model.dimension)
            self._server.set_mark(self._collection, self._mark)
            self._made = True

    def _kind_now(self) -> Kind:
        """A collection keeps its kind of index until the next training."""
        if self._before is not None:
            return named(self._server.kind(self._collection))
        return FLAT if self.images <= self._commission.rules.exact_max else self._kind

    def _quality(self, kind: Kind, points: OperatingPoints) -> Quality:
        shape = Shape(self.images, 1.0, 0.0)
        if self._before is None:
            return Quality.of_training(points, shape, UNMEASURED)
        before = self._before.meta.quality
        if kind is FLAT:  # in the end there are too many images to compare all
            return before.after_update(points, replace(shape, images=self.images - self._stayed))
        # Milvus indexes each segment by itself, so none grows old by updates.
        quality = Quality.of_training(points, shape, UNMEASURED)
        return replace(quality, same_image=before.same_image)

    def _truth(self, rows: Rows) -> GroundTruth:
        """Compares sample queries with all that is new, as the catalogue has it."""
        device = Device(self._commission.rules.device)
        before = None
        if self._before is not None:
            before = GroundTruth.load(self._before.folder / TRUTH)
        builder = GroundTruthBuilder(rows, device, before, self._stayed)
        done, new = 0, max(1, self.images - self._stayed)
        for seqs, features in rows.chunks(self._stayed):
            builder.compare(seqs, features)
            done += len(seqs)
            self._report("comparing", 0.6 + 0.3 * min(1.0, done / new))
        truth = builder.finish()
        gone = np.array(sorted(rows.gone), np.int64)
        return truth.part(~np.isin(truth.queries, gone))
