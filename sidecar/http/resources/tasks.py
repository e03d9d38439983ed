"""The HTTP resources of tasks, and of how the whole is doing."""

from typing import Any

import falcon

from sidecar.catalogue import Task, TaskKind, TaskState, to_json
from sidecar.http.params import whole_number
from sidecar.tasks.scheduler import Scheduler

MOST_TASKS = 100


class RequestResource:
    """GET or POST /similarity/train and /similarity/update."""

    def __init__(self, scheduler: Scheduler, kind: TaskKind) -> None:
        self._scheduler = scheduler
        self._kind = kind

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        task = self._scheduler.request(self._kind)
        if task.state == TaskState.ERROR:
            resp.status = falcon.HTTP_409
            resp.media = _status(task)
        else:
            resp.media = asked(task)

    on_post = on_get


class StatusResource:
    """GET /similarity/status/<task_id>."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def on_get(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        resp.media = _status(self._scheduler.catalogue.tasks.get(task_id))


class TasksResource:
    """GET /similarity/tasks, newest first."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        tasks = self._scheduler.catalogue.tasks.recent(
            whole_number(req, "limit", MOST_TASKS, MOST_TASKS)
        )
        resp.media = {"status": "ok", "tasks": [_status(task) for task in tasks]}


class CancelResource:
    """POST /similarity/tasks/<task_id>/cancel."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def on_post(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        resp.media = {"status": "ok", "task_id": self._scheduler.cancel(task_id).task_id}


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
