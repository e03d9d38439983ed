"""How well a generation does, as it was measured when it was made; and when to train again.

Updates keep the lists and codes of the last training. As images come that are unlike those it saw,
lists grow uneven, images lie farther from the centres of their lists, and a search has to look
farther for the same recall. All of that is measured at every update.
"""

from dataclasses import asdict, dataclass
from typing import Any

from sidecar.catalogue import IndexReport
from sidecar.index.ann import Index
from sidecar.index.calibration import Calibration
from sidecar.index.nprob import OperatingPoint, OperatingPoints
from sidecar.index.recall.filtered import UNMEASURED, FilteredQuality
from sidecar.index.segments import Segments
from sidecar.settings import DEFAULT_NPROB

SAMPLE = 4096  # images that a shape is taken of
UNEVEN = 1.5  # times the imbalance at the training
FAR = 1.2  # times the distance from the centres at the training
FEW = 0.01  # of the images of the training: the distance of fewer new ones says nothing
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
        """Measures an index, and in it the images of the rows from `start` on."""
        images = len(segments.seqs) - start
        if not images:
            return cls(0, index.imbalance(), 0.0)
        every = -(-images // SAMPLE)
        rows = segments.features(segments.seqs[start::every])
        return cls(images, index.imbalance(), index.centre_distance(rows))

    def joined(self, newer: "Shape") -> "Shape":
        """Returns the shape of the images of both, in the index as it is now."""
        images = self.images + newer.images
        total = self.images * self.distance + newer.images * newer.distance
        return Shape(images, newer.imbalance, total / images if images else 0.0)


@dataclass(frozen=True)
class Quality:
    """What was measured of a generation.

    Args:
        operating_points: what NPROB means, with the recall of each.
        trained: the shape of the images of the last training.
        added: that of the images which updates have added since.
        filtered: what searches with a filter find, as of the last training.
        same_image: how well the probability of the same image held at the last training; None
            where that was not checked.
    """

    operating_points: OperatingPoints
    trained: Shape
    added: Shape
    filtered: FilteredQuality = UNMEASURED
    same_image: Calibration | None = None

    @classmethod
    def of_training(
        cls, operating_points: OperatingPoints, shape: Shape, filtered: FilteredQuality
    ) -> "Quality":
        """Returns the quality of a generation that was trained afresh."""
        return cls(operating_points, shape, Shape(0, shape.imbalance, 0.0), filtered)

    def after_update(self, operating_points: OperatingPoints, new: Shape) -> "Quality":
        """Returns the quality of the generation that an update made of this one."""
        added = self.added.joined(new)
        return Quality(operating_points, self.trained, added, self.filtered, self.same_image)

    def to_json(self) -> dict[str, Any]:
        """Writes it under the names that `meta.json` has for it: `dial` and `marks`.

        The order counts: `meta.json` holds a SHA-256 of this text.
        """
        points = self.operating_points
        return {
            "dial": {
                "marks": [asdict(point) for point in points.points],
                "queries": points.queries,
            },
            "trained": asdict(self.trained),
            "added": asdict(self.added),
            **({"filtered": self.filtered.to_json()} if self.filtered.recalls else {}),
            **({"same_image": asdict(self.same_image)} if self.same_image else {}),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Quality":
        """Reads what `to_json` wrote, in this release or an older one."""
        dial = fields["dial"]
        points = tuple(OperatingPoint(**mark) for mark in dial["marks"])
        trained, added = (Shape(**fields[name]) for name in ("trained", "added"))
        filtered = UNMEASURED
        if "filtered" in fields:  # an earlier release measured none
            filtered = FilteredQuality.from_json(fields["filtered"])
        checked = fields.get("same_image")  # which an earlier release passes over
        same_image = None if checked is None else Calibration(**checked)
        return cls(OperatingPoints(points, dial["queries"]), trained, added, filtered, same_image)

    def summary(self) -> IndexReport:
        """Returns what a task reports of its generation."""
        default = self.operating_points.at(DEFAULT_NPROB)
        return IndexReport(
            recall_at_10=default.recall,
            recall_at_least=default.at_least,
            warnings=self.operating_points.below_target(),
            training_due=self.training_due(),
        )

    def training_due(self) -> list[str]:
        """Returns a sentence for each reason to train again."""
        trained, added = self.trained, self.added
        reasons = []
        if self.operating_points.below_target() and added.images:
            reasons.append("a recall is below its target")
        if added.imbalance > UNEVEN * trained.imbalance:
            reasons.append(
                f"lists are uneven: their imbalance is {added.imbalance:.2f}, over {UNEVEN} times "
                f"the {trained.imbalance:.2f} of the last training"
            )
        if added.images > FEW * trained.images and added.distance > FAR * trained.distance:
            reasons.append(
                f"new images lie {added.distance:.2f} from the centres of their lists, over {FAR} "
                f"times the {trained.distance:.2f} of the last training's images"
            )
        if added.images > (OUTGROWN - 1) * trained.images:
            reasons.append(
                f"{added.images} images were added to the {trained.images} of the last training, "
                f"over {OUTGROWN - 1} times as many"
            )
        return reasons
