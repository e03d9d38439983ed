"""The HTTP resources of how the service is doing."""

import falcon

from sidecar.http.resources.tasks import _status
from sidecar.operations.gauges import Gauges
from sidecar.operations.health import Health
from sidecar.operations.stats import Inventory
from sidecar.telemetry.exposition import CONTENT_TYPE, page


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

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE
        resp.data = page(self._gauges.read)


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
