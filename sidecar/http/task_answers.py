"""Writes the JSON answers about a task."""

from typing import Any

from sidecar.catalogue import Task, to_json


def accepted(task: Task) -> dict[str, Any]:
    """Returns the answer to a request for a task."""
    return {"status": "ongoing", "message": task.kind.message, "task_id": task.task_id}


def described(task: Task) -> dict[str, Any]:
    """Returns how a task is doing: its `status` is "ongoing", "ok" or "error"."""
    answer: dict[str, Any] = {
        "status": task.state.status,
        "message": task.message or task.kind.message,
        "task_id": task.task_id,
        "kind": task.kind,
        "created_at": task.created_at,
        "request_id": task.request_id,
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
