"""The calls about what runs in the background: tasks, those of versions of the model among them."""

from dataclasses import fields
from typing import Any
from urllib.parse import quote

from similarity_client.answers import (
    NO_META,
    Cancelled,
    Estimate,
    Meta,
    Nearest,
    Preview,
    PreviewedImage,
    TaskList,
    TaskState,
)
from similarity_client.answers.meta import made, meta, part
from similarity_client.calls.making import params
from similarity_client.request import Repeat, Reply, Request

KNOWN = {each.name for each in fields(TaskState)}


def train(*, timeout: float | None = None) -> Request[TaskState]:
    """Asks for a training: the index made afresh from all images."""
    return Request("POST", "/similarity/train", began, timeout=timeout)


def update(*, timeout: float | None = None) -> Request[TaskState]:
    """Asks for an update: what was added since joins the index, what was removed leaves it."""
    return Request("POST", "/similarity/update", began, timeout=timeout)


def fill(*, timeout: float | None = None) -> Request[TaskState]:
    """Asks for the keywords of images that an older release has stored."""
    return Request("POST", "/similarity/keywords/fill", began, timeout=timeout)


def upgrade(version: int, *, timeout: float | None = None) -> Request[TaskState]:
    """Asks for another version of the model to come into use."""
    query = params(version=version)
    return Request("POST", "/similarity/upgrade", began, query, timeout=timeout)


def upgrade_estimate(version: int, *, timeout: float | None = None) -> Request[Estimate]:
    """Says what an upgrade to a version would take: images, bytes, hours. Nothing is changed."""
    path, query = "/similarity/upgrade/estimate", params(version=version)
    return Request("GET", path, _estimate, query, timeout=timeout)


def upgrade_preview(version: int, *, timeout: float | None = None) -> Request[Preview]:
    """Answers some stored images by the version in use and by another. Nothing is changed."""
    path, query = "/similarity/upgrade/preview", params(version=version)
    return Request("GET", path, _preview, query, timeout=timeout)


# These three would do something else the second time: after a lost answer, the caller has to look.
def rollback(*, timeout: float | None = None) -> Request[TaskState]:
    """Asks for the version before to come back into use. It is sent again only where the service
    surely has not begun with it: done twice, it is undone."""
    path, repeat = "/similarity/rollback", Repeat.UNBEGUN
    return Request("POST", path, began, repeat=repeat, timeout=timeout)


def retire(version: int, *, timeout: float | None = None) -> Request[TaskState]:
    """Asks for a version to be forgotten. It is sent again as `rollback`."""
    path, query, repeat = "/similarity/retire", params(version=version), Repeat.UNBEGUN
    return Request("POST", path, began, query, repeat=repeat, timeout=timeout)


def cancel_upgrade(*, timeout: float | None = None) -> Request[Cancelled]:
    """Stops the upgrade or rollback under way; everything stays as it was. It is sent again as
    `rollback`: a second one might stop the next upgrade."""
    path, repeat = "/similarity/upgrade/cancel", Repeat.UNBEGUN
    return Request("POST", path, _cancelled, repeat=repeat, timeout=timeout)


def cancel(task_id: str, *, timeout: float | None = None) -> Request[Cancelled]:
    """Stops a task, waiting or running. Raises TaskFinished: it has ended."""
    path = f"/similarity/tasks/{quote(task_id, safe='')}/cancel"
    return Request("POST", path, _cancelled, timeout=timeout)


def status(
    task_id: str, *, wait: int | None = None, timeout: float | None = None
) -> Request[TaskState]:
    """Says how a task is doing, or how it ended.

    Args:
        wait: seconds, up to 30: the answer comes when the task's state changes, at the latest then.
    """
    path = f"/similarity/status/{quote(task_id, safe='')}"
    return Request("GET", path, began, params(wait=wait), timeout=timeout)


def tasks(*, limit: int | None = None, timeout: float | None = None) -> Request[TaskList]:
    """Lists the newest tasks."""
    return Request("GET", "/similarity/tasks", _tasks, params(limit=limit), timeout=timeout)


def state_of(answer: dict[str, Any], said: Meta = NO_META) -> TaskState:
    """Returns how a task is doing; what else it says is in `report`."""
    report = {name: value for name, value in answer.items() if name not in KNOWN}
    return made(TaskState, answer, report=report, meta=said)


def began(reply: Reply) -> TaskState:
    """Returns the task of an answer."""
    return state_of(reply.json(), meta(reply))


def _tasks(reply: Reply) -> TaskList:
    return TaskList(tuple(map(state_of, part(reply.json(), "tasks"))), meta(reply))


def _cancelled(reply: Reply) -> Cancelled:
    return made(Cancelled, reply.json(), meta=meta(reply))


def _estimate(reply: Reply) -> Estimate:
    return made(Estimate, reply.json(), meta=meta(reply))


def _preview(reply: Reply) -> Preview:
    answer = reply.json()
    queries = tuple(map(_previewed, part(answer, "queries")))
    return made(Preview, answer, queries=queries, meta=meta(reply))


def _previewed(query: dict[str, Any]) -> PreviewedImage:
    before, after = (made(Nearest, part(query, name)) for name in ("before", "after"))
    return made(PreviewedImage, query, before=before, after=after)
