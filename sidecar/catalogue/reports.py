"""What a task reports: a class for each kind of work, and the one place that turns it into JSON.

A row of the table keeps a report as one flat JSON object, which is also what its status shows.
"""

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class IndexReport:
    """What a training or an update has measured of its generation.

    Args:
        recall_at_10: at the default of NPROB, 0..1.
        recall_at_least: its lower bound.
        warnings: a sentence for each promise that is not kept.
        training_due: a sentence for each reason to train again.
    """

    recall_at_10: float
    recall_at_least: float
    warnings: list[str]
    training_due: list[str]


@dataclass(frozen=True)
class Agreement:
    """How far two versions of the model agree.

    Args:
        at_10: the share of the ten nearest images that both name, 0..1; None where there are too
            few images to say.
        other: the version that the new one was compared with.
    """

    at_10: float | None
    other: int


@dataclass(frozen=True)
class SwitchReport:
    """What an upgrade or a rollback has done.

    Args:
        version: the one in use now.
        previous: the one in use before, if any.
        index: of the new generation; None where there was no index to replace.
        agreement: with the version that was searched before, where that could be measured.
    """

    version: int
    previous: int | None
    index: IndexReport | None = None
    agreement: Agreement | None = None


@dataclass(frozen=True)
class RetirementReport:
    """Which version was retired, and how many images had features of it."""

    version: int
    features_freed: int


@dataclass(frozen=True)
class EmbeddingProgress:
    """How far an upgrade, or a filling of keywords, is with the stored images.

    Args:
        embedded: images that have features of the new version; or keywords of the one in use.
        images: all of them.
        images_per_s: the rate so far.
        eta_s: seconds that are left at this rate; None before the first image.
    """

    embedded: int
    images: int
    images_per_s: float
    eta_s: int | None

    @classmethod
    def after(cls, before: int, done: int, images: int, took_s: float) -> "EmbeddingProgress":
        """Returns how far it is: `done` images in `took_s`, after `before` earlier ones."""
        rate = done / took_s
        left = max(0, images - before - done)
        return cls(before + done, images, round(rate, 1), round(left / rate) if rate else None)

    @property
    def share(self) -> float:
        """What part of the images is done, 0..1."""
        return self.embedded / max(self.images, self.embedded, 1)


@dataclass(frozen=True)
class MendingProgress:
    """How many of the features in doubt have been compared, and how many of them were wrong."""

    checked: int
    mended: int


@dataclass(frozen=True)
class MendingReport:
    """What a mending has done.

    Args:
        checked: features in doubt that were compared.
        mended: those that were wrong and are right now.
        index: of the new generation; None where none was needed.
    """

    checked: int
    mended: int
    index: IndexReport | None = None


@dataclass(frozen=True)
class FillingReport:
    """Which version's keywords were filled in, and how many images have them now."""

    version: int
    with_keywords: int


@dataclass(frozen=True)
class DuplicatesProgress:
    """How many of the images that had to be compared with all others have been."""

    compared: int
    to_compare: int


@dataclass(frozen=True)
class DuplicatesReport:
    """What a search for duplicates has found.

    Args:
        compared: images that were compared with all others in this run.
        identical, same, similar: pairs of each kind that are known now.
        search_recall: recall@10 of the searches, as measured when the index was made.
    """

    compared: int
    identical: int
    same: int
    similar: int
    search_recall: float


INDEX_FIELDS = tuple(field.name for field in dataclasses.fields(IndexReport))

Outcome = (
    IndexReport | SwitchReport | RetirementReport | MendingReport | FillingReport | DuplicatesReport
)
Progress = EmbeddingProgress | MendingProgress | DuplicatesProgress
Report = Outcome | Progress


def to_json(report: Report | None) -> dict[str, Any]:
    """Returns one flat object, an empty one where there is nothing to report."""
    if report is None:
        return {}
    if isinstance(report, MendingReport):
        return to_json(report.index) | {"checked": report.checked, "mended": report.mended}
    if not isinstance(report, SwitchReport):
        return asdict(report)
    fields = to_json(report.index) | {"version": report.version, "previous": report.previous}
    if report.agreement is None:
        return fields
    agreement = report.agreement
    return fields | {"agreement_at_10": agreement.at_10, "agreement_with": agreement.other}


def from_json(fields: dict[str, Any] | None) -> Report | None:
    """Returns the report that `to_json` made an object of, in this release or an older one.

    The classes are distinguished by their fields, since a task that failed still has the progress
    that it last reported.
    """
    if not fields:
        return None
    if "embedded" in fields:
        return EmbeddingProgress(**fields)
    if "features_freed" in fields:
        return RetirementReport(**fields)
    if "with_keywords" in fields:
        return FillingReport(**fields)
    if "to_compare" in fields:
        return DuplicatesProgress(**fields)
    if "search_recall" in fields:
        return DuplicatesReport(**fields)
    if "mended" in fields:
        return MendingReport(fields["checked"], fields["mended"], _index(fields))
    if "previous" in fields:
        return _switch(fields)
    return IndexReport(**fields)


def _switch(fields: dict[str, Any]) -> SwitchReport:
    agreement = None
    if "agreement_with" in fields:
        agreement = Agreement(fields["agreement_at_10"], fields["agreement_with"])
    return SwitchReport(fields["version"], fields["previous"], _index(fields), agreement)


def _index(fields: dict[str, Any]) -> IndexReport | None:
    if "recall_at_10" not in fields:
        return None
    return IndexReport(**{name: fields[name] for name in INDEX_FIELDS})
