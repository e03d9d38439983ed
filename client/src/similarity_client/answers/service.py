"""The answers about the service itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from similarity_client.answers.meta import Meta
from similarity_client.answers.tasks import TaskState


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of the model; what its contract says is None where that can't be read.

    Args:
        loaded: whether Triton serves it; None where Triton is away.
        features: how many images have features of it.
        generations: of the index, made of these.
        agreement_at_10: the share of the ten nearest images that it and the version in use both
            name; None where that was not measured.
        trouble: what is wrong with it, in a sentence.
    """

    version: int
    in_use: bool
    in_repository: bool
    loaded: bool | None
    features: int
    generations: tuple[int, ...]
    agreement_at_10: float | None
    architecture: str | None
    precision: str | None
    crop: int | None
    dimension: int | None
    keywords: int | None
    sha256: str | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A Triton, which runs the model.

    Args:
        ready: whether it gets inferences by the version in use.
        state: "serving", "lacking", "refused", "unproved" or "away".
        versions: that it serves.
        trouble: why it gets none, in a sentence.
    """

    address: str
    ready: bool
    state: str
    versions: tuple[int, ...]
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Models:
    """Every version of the model, the number of the one in use, and what each Triton serves; an
    earlier release of the service names none."""

    in_use: int | None
    models: tuple[ModelVersion, ...]
    servers: tuple[ModelServer, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class RecallPoint:
    """What was measured for an NPROB: how far a search looks, what it finds, at least what."""

    nprob: int
    lists: int
    candidates: int
    recall: float
    at_least: float


@dataclass(frozen=True, slots=True)
class FilteredRecall:
    """What a search finds among a share of the images."""

    share: float
    recall: float


@dataclass(frozen=True, slots=True)
class BackupMade:
    """A backup: the moment that it holds, in seconds since 1970, and how many images it has."""

    at: float
    images: int


@dataclass(frozen=True, slots=True)
class DuplicateFigures:
    """How many pairs of duplicates are known, and when all images had last been compared (seconds
    since 1970)."""

    identical: int
    same: int
    similar: int
    ran_at: float | None


@dataclass(frozen=True, slots=True)
class SameImage:
    """How well the probability of the same image held at the last training, by made twins.

    Args:
        ece: the expected calibration error, 0..1.
        precision: of what has a probability of 0.9; None where nothing has.
        recall: of the twins, how many were found with 0.9.
    """

    ece: float
    precision: float | None
    recall: float
    twins: int


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures of the service; docs/API.md, "Statistics", says what each is."""

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
    generations_ahead: tuple[int, ...]
    recall: tuple[RecallPoint, ...]
    queries: int
    filtered_recall: tuple[FilteredRecall, ...]
    warnings: tuple[str, ...]
    training_due: tuple[str, ...]
    last_task: TaskState | None
    last_backup: BackupMade | None
    duplicates: DuplicateFigures | None
    same_image: SameImage | None
    meta: Meta


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The model that answers."""

    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Version:
    """Which release the service is, and what is switched on; `model` is None where none is."""

    version: str
    api: int
    model: ServedModel | None
    features: Mapping[str, Any]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Me:
    """Whose key asks, and what it opens; `name` is None where the service asks for none."""

    name: str | None
    scopes: tuple[str, ...]
    meta: Meta


@dataclass(frozen=True, slots=True)
class Live:
    """The process answers."""

    meta: Meta


@dataclass(frozen=True, slots=True)
class IndexState:
    """Which generation of the index the process searches, and which one is to be searched."""

    generation: int | None
    current: int | None


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether every part of the service answers; `parts` says what of each, `degraded` which do,
    and not in full."""

    ok: bool
    parts: Mapping[str, str]
    degraded: Mapping[str, str]
    index: IndexState | None
    meta: Meta


@dataclass(frozen=True, slots=True)
class Metrics:
    """All metrics, in the text format of Prometheus."""

    text: str
    meta: Meta
