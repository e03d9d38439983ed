"""The HTTP resources of the model's versions: which there are, and which one is in use."""

import falcon

from sidecar.errors import WrongArguments
from sidecar.http.params import whole_number
from sidecar.http.resources.tasks import asked
from sidecar.operations.model_status import ModelStatus
from sidecar.tasks.model_requests import ModelRequests

MOST_VERSION = 2**31 - 1


class ModelsResource:
    """GET /similarity/models."""

    def __init__(self, model_status: ModelStatus) -> None:
        self._model_status = model_status

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        versions = self._model_status.versions()
        in_use = [each.version for each in versions if each.in_use]
        resp.media = {
            "status": "ok",
            "in_use": in_use[0] if in_use else None,
            "models": [vars(each) for each in versions],
        }


class UpgradeResource:
    """POST /similarity/upgrade?version=."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = asked(self._model_requests.upgrade(_version(req)))


class CancelUpgradeResource:
    """POST /similarity/upgrade/cancel."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok", "task_id": self._model_requests.cancel().task_id}


class RollbackResource:
    """POST /similarity/rollback."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = asked(self._model_requests.rollback())


class RetireResource:
    """POST /similarity/retire?version=."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = asked(self._model_requests.retire(_version(req)))


def _version(req: falcon.Request) -> int:
    if req.get_param("version") is None:
        raise WrongArguments("say which version: version=")
    return whole_number(req, "version", MOST_VERSION, 1)
