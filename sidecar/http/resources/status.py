"""The resources that show how the service is doing: stats, metrics, health."""

from dataclasses import asdict

import falcon

from sidecar.http.task_answers import described
from sidecar.operations import Gauges, Health, Inventory
from sidecar.telemetry.exposition import CONTENT_TYPE, page


class StatsResource:
    """Counts what is stored and indexed: GET /similarity/stats."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        stats = self._inventory.stats()
        last = stats.last_task
        resp.media = {
            "status": "ok",
            **asdict(stats),
            "last_task": described(last) if last else None,
        }


class MetricsResource:
    """Shows the metrics to Prometheus: GET /metrics."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = CONTENT_TYPE
        resp.data = page(self._gauges.read)


class LiveResource:
    """Shows that the process answers: GET /health/live."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.media = {"status": "ok"}


class ReadyResource:
    """Shows whether every part answers, and which does not: GET /health/ready.

    One that answers, and not in full, is in `degraded`: one of several Tritons is left out. `index`
    says which generation this process searches, and which is the current one.

    Why a part does not answer may name addresses: that is for clients whose key may read.
    """

    def __init__(self, health: Health) -> None:
        self._health = health

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        parts, degraded = self._health.parts(), self._health.degraded()
        ready = all(state == "ok" for state in parts.values())
        resp.status = falcon.HTTP_200 if ready else falcon.HTTP_503
        if not req.context.may_read:
            parts, degraded = _words(parts), _words(degraded)
        index = asdict(self._health.index())
        resp.media = {"status": "ok" if ready else "error", "parts": parts, "index": index}
        if degraded:
            resp.media["degraded"] = degraded


def _words(states: dict[str, str]) -> dict[str, str]:
    """Returns the word alone of what is wrong with each part."""
    return {name: state.partition(": ")[0] for name, state in states.items()}
