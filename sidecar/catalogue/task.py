"""A task: its kinds, its states, its row."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sidecar.catalogue.reports import Report, from_json


class TaskKind(StrEnum):
    """What a task does; the values are those of the database, of answers and of metrics."""

    TRAIN = "train"
    UPDATE = "update"
    UPGRADE = "upgrade"
    ROLLBACK = "rollback"
    RETIRE = "retire"
    MEND = "mend"
    FILL = "fill"
    DUPLICATES = "duplicates"

    @property
    def message(self) -> str:
        """What a client reads in `message` of a task of this kind that has not failed."""
        return _MESSAGES[self]


class TaskState(StrEnum):
    """Where a task is; the values are those of the database and of metrics."""

    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    CANCELLED = "cancelled"

    @property
    def status(self) -> str:
        """What a client reads in `status`: "ongoing", "ok" or "error"."""
        return _STATUS.get(self, "ongoing")


_MESSAGES = {
    TaskKind.TRAIN: "training",
    TaskKind.UPDATE: "updating",
    TaskKind.UPGRADE: "upgrading",
    TaskKind.ROLLBACK: "rolling back",
    TaskKind.RETIRE: "retiring",
    TaskKind.MEND: "mending",
    TaskKind.FILL: "filling keywords",
    TaskKind.DUPLICATES: "finding duplicates",
}
_STATUS = {TaskState.OK: "ok", TaskState.ERROR: "error", TaskState.CANCELLED: "error"}

SHORT = (TaskKind.TRAIN, TaskKind.UPDATE)  # others make way for these
LAST = (TaskKind.FILL, TaskKind.DUPLICATES)  # these make way for every other kind
SWITCHES = (TaskKind.UPGRADE, TaskKind.ROLLBACK)  # these bring another model into use
OF_VERSIONS = (*SWITCHES, TaskKind.RETIRE)  # one of these at a time
UNFINISHED = (TaskState.WAITING, TaskState.RUNNING)


@dataclass(frozen=True)
class Task:
    """A row of the table; `schema.tasks` says what each column means."""

    task_id: str
    number: int | None
    kind: TaskKind
    version: int | None
    state: TaskState
    phase: str
    progress: float
    message: str | None
    detail: str | None
    attempt: int
    lost: int
    overtaken: bool
    snapshot: int | None
    removals: int | None
    lease_until: float | None
    generation: int | None
    images: int | None
    report: Report | None
    request_id: str | None
    created_at: float
    finished_at: float | None
    mark: str | None
    changes: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Task":
        """Returns the task in a row of the table."""
        kind, state = TaskKind(row["kind"]), TaskState(row["state"])
        typed = {"kind": kind, "state": state, "report": from_json(row["report"])}
        return cls(**{**row, **typed})
