"""The HTTP resources of tasks, and of how the whole is doing."""

from typing import Any

import falcon

from sidecar.catalogue import Task, TaskKind, TaskState, to_json
from sidecar.http.params import whole_number
from sidecar.operations.gauges import Gauges
from sidecar.operations.health import Health
from sidecar.operations.stats import Inventory
from sidecar.tasks.scheduler import Scheduler
from sidecar.telemetry.exposition import CONTENT_TYPE, page

MOST_TASKS = 100


class RequestResource:
    """GET or POST /similarity/train and /similarity/update."""

    def __init__(self, dispatcher: Scheduler, kind: TaskKind) -> None:
        self._dispatcher = dispatcher
        self._kind = kind

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        task = self._dispatcher.request(self._kind)
        if task.state == TaskState.ERROR:
            resp.status = falcon.HTTP_409
            resp.media = _status(task)
        else:
            resp.media = asked(task)

    on_post = on_get


class StatusResource:
    """GET /similarity/status/<task_id>."""

    def __init__(self, dispatcher: Scheduler) -> None:
        self._dispatcher = dispatcher

    def on_get(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        resp.media = _status(self._dispatcher.catalogue.tasks.get(task_id))


class TasksResource:
    """GET /similarity/tasks, newest first."""

    def __init__(self, dispatcher: Scheduler) -> None:
        self._dispatcher = dispatcher

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        tasks = self._dispatcher.catalogue.tasks.recent(
            whole_number(req, "limit", MOST_TASKS, MOST_TASKS)
        )
        resp.media = {"status": "ok", "tasks": [_status(task) for task in tasks]}


class CancelResource:
    """POST /similarity/tasks/<task_id>/cancel."""

    def __init__(self, dispatcher: Scheduler) -> None:
        self._dispatcher = dispatcher

    def on_post(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        resp.media = {"status": "ok", "task_id": self._dispatcher.cancel(task_id).task_id}


class StatsResource:
    """GET /similarity/stats."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        stats = self._inventory.stats()
        last = stats.last_task
        resp.media = {
            "status": "ok",
            **vars(stats),
            "recall": [vars(mark) for mark in stats.recall],
            "last_task": _status(last) if last else None,
        }


class MetricsResource:
    """GET /metrics, for Prometheus."""

    def __init__(self, figures: Gauges) -> None:
        self._figures = figures

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE
        resp.data = page(self._figures.read)


class LiveResource:
    """GET /health/live: the process answers."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok"}


class ReadyResource:
    """GET /health/ready: every part answers; those that do not are named."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        parts = self._health.parts()
        well = all(state == "ok" for state in parts.values())
        resp.status = falcon.HTTP_200 if well else falcon.HTTP_503
        resp.media = {"status": "ok" if well else "error", "parts": parts}


def asked(task: Task) -> dict[str, Any]:
    """What a client gets that has asked for a task."""
    return {"status": "ongoing", "message": task.kind.message, "task_id": task.task_id}


def _status(task: Task) -> dict[str, Any]:
    """A task as clients see it: ongoing, ok, or error."""
    answer: dict[str, Any] = {
        "status": task.state.status,
        "message": task.message or task.kind.message,
        "task_id": task.task_id,
        "kind": task.kind,
        "created_at": task.created_at,
    }
    if task.version is not None:
        answer["version"] = task.version
    if answer["status"] == "ongoing":
        return answer | {"progress": task.progress, "phase": task.phase, **to_json(task.report)}
    answer["finished_at"] = task.finished_at
    if answer["status"] == "error":
        return answer | {"detail": task.detail}
    made = {"generation": task.generation, "images": task.images, **to_json(task.report)}
    return answer | {"progress": 1.0} | made
