"""The resources of versions: list them, estimate and preview an upgrade, ask for it, retire one."""

from dataclasses import asdict

import falcon

from sidecar.errors import WrongArguments
from sidecar.http.reading.known_params import takes
from sidecar.http.reading.params import whole_number
from sidecar.http.task_answers import accepted
from sidecar.operations import ModelStatus
from sidecar.tasks.estimate import Estimates
from sidecar.tasks.model_requests import ModelRequests
from sidecar.tasks.preview import Previews

LARGEST_VERSION = 2**31 - 1


class ModelsResource:
    """Lists the versions, and which one is in use: GET /similarity/models."""

    def __init__(self, model_status: ModelStatus) -> None:
        self._model_status = model_status

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        versions, servers = self._model_status.look()
        in_use = [each.version for each in versions if each.in_use]
        resp.media = {
            "status": "ok",
            "in_use": in_use[0] if in_use else None,
            "models": [vars(each) for each in versions],
            "servers": [vars(each) for each in servers],
        }


class UpgradeResource:
    """Requests an upgrade: POST /similarity/upgrade?version=."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    @takes("version")
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = accepted(self._model_requests.upgrade(_version(req)))


class EstimateResource:
    """Estimates what an upgrade would take: GET /similarity/upgrade/estimate?version=."""

    def __init__(self, estimates: Estimates) -> None:
        self._estimates = estimates

    @takes("version")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok", **vars(self._estimates.upgrade(_version(req)))}


class PreviewResource:
    """Shows what an upgrade would change: GET /similarity/upgrade/preview?version=."""

    def __init__(self, previews: Previews) -> None:
        self._previews = previews

    @takes("version")
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok", **asdict(self._previews.upgrade(_version(req)))}


class CancelUpgradeResource:
    """Cancels the upgrade: POST /similarity/upgrade/cancel."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok", "task_id": self._model_requests.cancel().task_id}


class RollbackResource:
    """Requests a rollback: POST /similarity/rollback."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = accepted(self._model_requests.rollback())


class RetireResource:
    """Requests the retirement of a version: POST /similarity/retire?version=."""

    def __init__(self, model_requests: ModelRequests) -> None:
        self._model_requests = model_requests

    @takes("version")
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = accepted(self._model_requests.retire(_version(req)))


def _version(req: falcon.Request) -> int:
    if req.get_param("version") is None:
        raise WrongArguments("send the number of a version: version=NUMBER")
    return whole_number(req, "version", LARGEST_VERSION, 1)
