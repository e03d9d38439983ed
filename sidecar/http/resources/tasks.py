"""The resources of tasks: request, status, list, cancel."""

from typing import Any

import falcon

from sidecar.catalogue import TaskKind, TaskState
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import whole_number
from sidecar.http.task_answers import accepted, described
from sidecar.http.waits import Waits
from sidecar.tasks.scheduler import Scheduler

MOST_TASKS = 100
MOST_WAIT_S = 30  # as long as a stopping process waits for its requests


class RequestResource:
    """Requests a training or an update: GET or POST /similarity/train and /similarity/update."""

    def __init__(self, scheduler: Scheduler, kind: TaskKind) -> None:
        self._scheduler = scheduler
        self._kind = kind

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        task = self._scheduler.request(self._kind)
        if task.state == TaskState.ERROR:
            resp.status = falcon.HTTP_409
            resp.media = described(task)
        else:
            resp.media = accepted(task)

    on_post = on_get


class FillResource:
    """Requests the keywords that stored images lack: POST /similarity/keywords/fill."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = accepted(self._scheduler.fill())


class StatusResource:
    """Shows how a task is doing: GET /similarity/status/<task_id>?wait=."""

    def __init__(self, scheduler: Scheduler, waits: Waits) -> None:
        self._scheduler = scheduler
        self._waits = waits

    @takes("wait")
    def on_get(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        wait_s = whole_number(req, "wait", MOST_WAIT_S, 0, least=0)

        def look() -> dict[str, Any]:
            return described(self._scheduler.catalogue.tasks.get(task_id))

        resp.media = self._waits.changed(look, lambda task: task["status"] != "ongoing", wait_s)


class TasksResource:
    """Lists the tasks, newest first: GET /similarity/tasks?limit=."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    @takes("limit")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        tasks = self._scheduler.catalogue.tasks.recent(
            whole_number(req, "limit", MOST_TASKS, MOST_TASKS)
        )
        resp.media = {"status": "ok", "tasks": [described(task) for task in tasks]}


class CancelResource:
    """Cancels a task: POST /similarity/tasks/<task_id>/cancel."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def on_post(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        resp.media = {"status": "ok", "task_id": self._scheduler.cancel(task_id).task_id}
