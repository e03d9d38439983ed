"""How well a generation does, as it was measured when it was made; and when to train again.

Updates keep the lists and codes of the last training. As images come that are unlike those it saw,
lists grow uneven, images lie farther from the centres of their lists, and the dial has to be turned
up to keep its promises. All of that is measured at every update.
"""

from dataclasses import dataclass
from typing import Any

from sidecar.catalogue import IndexReport
from sidecar.index.ann import Index
from sidecar.index.recall.operating_points import OperatingPoint, OperatingPoints
from sidecar.index.segments import Segments
from sidecar.settings import DEFAULT_NPROB

SAMPLE = 4096  # images that a shape is taken of
UNEVEN = 1.5  # times the imbalance at the training
FAR = 1.2  # times the distance from the centres at the training
FEW = 0.01  # of all images: the distance of fewer new ones says nothing
OUTGROWN = 4  # times the images of the training


@dataclass(frozen=True)
class Shape:
    """How images lie in the lists of an index.

    Args:
        images: of which this was taken.
        imbalance: 1 where all lists are as long; the factor by which a search costs more.
        distance: the mean squared L2 distance of an image from the centre of its list.
    """

    images: int
    imbalance: float
    distance: float

    @classmethod
    def of(cls, index: Index, segments: Segments, start: int = 0) -> "Shape":
        """That of an index, with the distance of the rows from `start` on."""
        images = len(segments.seqs) - start
        if not images:
            return cls(0, index.imbalance(), 0.0)
        every = -(-images // SAMPLE)
        rows = segments.features(segments.seqs[start::every])
        return cls(images, index.imbalance(), index.distance(rows))

    def joined(self, newer: "Shape") -> "Shape":
        """That of the images of both, in the index as it is now."""
        images = self.images + newer.images
        total = self.images * self.distance + newer.images * newer.distance
        return Shape(images, newer.imbalance, total / images if images else 0.0)


@dataclass(frozen=True)
class Quality:
    """What was measured.

    Args:
        dial: what NPROB means, with the recall at each mark.
        trained: the shape of the images of the last training.
        added: that of those which updates have added since.
    """

    dial: OperatingPoints
    trained: Shape
    added: Shape

    @classmethod
    def read(cls, fields: dict[str, Any]) -> "Quality":
        """From the JSON of what `dataclasses.asdict` made of one."""
        dial = fields["dial"]
        marks = tuple(OperatingPoint(**mark) for mark in dial["marks"])
        shapes = (Shape(**fields[name]) for name in ("trained", "added"))
        return cls(OperatingPoints(marks, dial["queries"]), *shapes)

    @classmethod
    def of_training(cls, dial: OperatingPoints, shape: Shape) -> "Quality":
        """That of a generation that was trained afresh."""
        return cls(dial, shape, Shape(0, shape.imbalance, 0.0))

    def after(self, dial: OperatingPoints, new: Shape) -> "Quality":
        """That of the next one, made by an update."""
        return Quality(dial, self.trained, self.added.joined(new))

    def summary(self) -> IndexReport:
        """What a task reports of it."""
        default = self.dial.mark(DEFAULT_NPROB)
        return IndexReport(
            recall_at_10=default.recall,
            recall_at_least=default.at_least,
            warnings=self.dial.broken(),
            training_due=self.training_due(),
        )

    def training_due(self) -> list[str]:
        """A sentence for each reason to train again."""
        trained, added = self.trained, self.added
        reasons = []
        if self.dial.broken() and added.images:
            reasons.append("a recall is under its promise")
        if added.imbalance > UNEVEN * trained.imbalance:
            reasons.append(
                f"lists are uneven by {added.imbalance:.2f}, not {trained.imbalance:.2f} as trained"
            )
        if added.images > FEW * trained.images and added.distance > FAR * trained.distance:
            reasons.append(
                f"new images lie {added.distance:.2f} from the centres of their lists, those of "
                f"the training {trained.distance:.2f}"
            )
        if added.images > (OUTGROWN - 1) * trained.images:
            reasons.append(f"{added.images} images were added to {trained.images} of the training")
        return reasons
