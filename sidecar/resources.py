"""The HTTP resources: they read a request, ask the domain, and write its answer as JSON.

No resource catches an error; `answers.py` turns them into answers.
"""

import math
from dataclasses import asdict
from typing import Any

import falcon

from sidecar.adding import Adding
from sidecar.catalogue import Task
from sidecar.dispatcher import Dispatcher
from sidecar.health import Health
from sidecar.keywords import Keywords
from sidecar.parameters import image_id, number, whole_number
from sidecar.search import Search, Wanted
from sidecar.settings import MOST_NPROB, MOST_RESULTS, Settings
from sidecar.uploads import read_image

MESSAGES = {"train": "training", "update": "updating"}
MOST_TASKS = 100
TOP_K = 10


class AddResource:
    """POST /similarity/add?id=."""

    def __init__(self, adding: Adding, max_bytes: int) -> None:
        self._adding = adding
        self._max_bytes = max_bytes

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        wanted = image_id(req)
        upload = read_image(req, self._max_bytes)
        resp.media = {"status": "ok", "id": self._adding.add(upload, wanted)}


class SearchResource:
    """POST /similarity/search."""

    def __init__(self, search: Search, settings: Settings) -> None:
        self._search = search
        self._settings = settings

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        req.context.failed = {"dist": [], "result": []}  # what a failed answer holds besides
        wanted = Wanted(
            num_results=whole_number(
                req, "num_results", MOST_RESULTS, self._settings.similarity_search_num_results
            ),
            nprob=whole_number(req, "nprob", MOST_NPROB, self._settings.nprob),
            max_dist=number(req, "max_dist", math.inf),
        )
        upload = read_image(req, self._settings.max_image_bytes)
        found = self._search.nearest(upload, wanted)
        resp.set_header("X-Model-Version", str(found.version))
        resp.set_header("X-Generation", str(found.generation))
        resp.media = {"dist": found.dist, "result": found.result, "status": "ok"}


class ConceptsResource:
    """POST /predict/concepts?top_k=&keyword_threshold=."""

    def __init__(self, keywords: Keywords, max_bytes: int) -> None:
        self._keywords = keywords
        self._max_bytes = max_bytes

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        top_k = whole_number(req, "top_k", MOST_RESULTS, TOP_K)
        threshold = number(req, "keyword_threshold", 0.0)
        found, version = self._keywords.of(read_image(req, self._max_bytes), top_k, threshold)
        resp.set_header("X-Model-Version", str(version))
        resp.media = {"status": "ok", "concepts": [asdict(keyword) for keyword in found]}


class RequestResource:
    """GET or POST /similarity/train and /similarity/update."""

    def __init__(self, dispatcher: Dispatcher, kind: str) -> None:
        self._dispatcher = dispatcher
        self._kind = kind

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        task = self._dispatcher.request(self._kind)
        if task.state == "error":
            resp.status = falcon.HTTP_409
            resp.media = _status(task)
        else:
            resp.media = {
                "status": "ongoing",
                "message": MESSAGES[self._kind],
                "task_id": task.task_id,
            }

    on_post = on_get


class StatusResource:
    """GET /similarity/status/<task_id>."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def on_get(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        resp.media = _status(self._dispatcher.tasks.get(task_id))


class TasksResource:
    """GET /similarity/tasks, newest first."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        tasks = self._dispatcher.tasks.recent(whole_number(req, "limit", MOST_TASKS, MOST_TASKS))
        resp.media = {"status": "ok", "tasks": [_status(task) for task in tasks]}


class CancelResource:
    """POST /similarity/tasks/<task_id>/cancel."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def on_post(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        resp.media = {"status": "ok", "task_id": self._dispatcher.cancel(task_id).task_id}


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


def _status(task: Task) -> dict[str, Any]:
    """A task as clients see it: ongoing, ok, or error."""
    answer: dict[str, Any] = {
        "status": {"ok": "ok", "error": "error", "cancelled": "error"}.get(task.state, "ongoing"),
        "message": task.message or MESSAGES[task.kind],
        "task_id": task.task_id,
        "kind": task.kind,
        "created_at": task.created_at,
    }
    if answer["status"] == "ongoing":
        return answer | {"progress": task.progress, "phase": task.phase}
    answer["finished_at"] = task.finished_at
    if answer["status"] == "error":
        return answer | {"detail": task.detail}
    return answer | {"progress": 1.0, "generation": task.generation, "images": task.images}
