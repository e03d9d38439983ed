"""The answers about tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from similarity_client.answers.meta import NO_META, Meta


@dataclass(frozen=True, slots=True)
class TaskState:
    """How a task is doing, or how it ended.

    Args:
        status: `ongoing`, `ok` or `error`.
        message: what it does, or the word of its error.
        kind: such as `train`; None in the answer that begins it, as are the times.
        created_at, finished_at: seconds since 1970.
        request_id: of the request that asked for it, by which the service's logs name its lines;
            None where the service asked itself.
        progress: from 0 to 1.
        detail: what went wrong, in a sentence.
        version: of the model, where the task is about one.
        generation, images: of the index that it made.
        report: all else that the task says, such as `recall_at_10` or `eta_s`.
    """

    task_id: str
    status: str
    message: str
    kind: str | None = None
    created_at: float | None = None
    finished_at: float | None = None
    progress: float | None = None
    phase: str | None = None
    detail: str | None = None
    version: int | None = None
    generation: int | None = None
    images: int | None = None
    request_id: str | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    meta: Meta = NO_META

    @property
    def ended(self) -> bool:
        """Whether it waits and runs no more."""
        return self.status != "ongoing"


@dataclass(frozen=True, slots=True)
class TaskList:
    """The newest tasks, the newest first."""

    tasks: tuple[TaskState, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A task that was cancelled: everything stays as it was."""

    task_id: str
    meta: Meta


@dataclass(frozen=True, slots=True)
class Nearest:
    """The nearest images of a query by one version, nearest first: ids, and squared distances."""

    dist: tuple[float, ...]
    result: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewedImage:
    """A stored image, answered by the version in use and by another; both name `shared`."""

    id: str
    before: Nearest
    after: Nearest
    shared: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What an upgrade to a version would change.

    Args:
        in_use: the version that is compared with; None before the first add.
        images: in the sample, out of which both versions answer.
        agreement_at_10: the mean share of the ten nearest in the sample that both name; None where
            it has too few images.
        queries: some of the sample.
        trouble: why nothing was compared, in a sentence.
    """

    version: int
    in_use: int | None
    images: int
    agreement_at_10: float | None
    queries: tuple[PreviewedImage, ...]
    trouble: str | None
    meta: Meta


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an upgrade to a version would take.

    Args:
        images: that would be embedded again.
        bytes: that would be written: `features_bytes` into the catalogue, `index_bytes` into an
            index of its own.
        free_bytes: of the volume that the index is on.
        hours: that embedding would take at `images_per_s`; None where that is not known.
        measured: how many images were embedded to know it.
        measured_version: by which version: where it is not loaded yet, by the one in use if that is
            the same network.
        trouble: why the hours are not known, in a sentence.
    """

    version: int
    images: int
    bytes: int
    features_bytes: int
    index_bytes: int
    free_bytes: int
    hours: float | None
    images_per_s: float | None
    measured: int
    measured_version: int | None
    trouble: str | None
    meta: Meta
