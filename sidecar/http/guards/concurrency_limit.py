"""Refuses requests beyond a limit before it reads them."""

import threading
from collections import Counter

import falcon

from sidecar.errors import TooBusy
from sidecar.http.route import Routes

ANY = "requests"
BATCHES = "batches"
SLOW = "uploads that are still arriving"
SHARE = 4  # one in so many requests may be of a kind that waits for its client


class ConcurrencyLimit:
    """Counts the requests in flight, and refuses those beyond the limit.

    Two kinds keep a thread waiting for their client: batches, and uploads that have not wholly
    arrived when their call begins. Each has a share of its own, so that neither can take all.

    Args:
        limit: requests in flight at once, not counting those that may not be shed.
        routes: the calls, and whether each may be shed.
    """

    def __init__(self, limit: int, routes: Routes) -> None:
        share = max(1, limit // SHARE)
        self._most = {ANY: limit, BATCHES: share, SLOW: share}
        self._routes = routes
        self._in_flight: Counter[str] = Counter()
        self._lock = threading.Lock()

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if not self._routes.may_be_shed(req.path):
            return
        kinds = [ANY, *self._waits_as(req)]
        with self._lock:
            for kind in kinds:
                if self._in_flight[kind] >= self._most[kind]:
                    raise TooBusy(
                        f"{self._most[kind]} {kind} are in flight, the limit of a process "
                        "(HTTP_THREADS): try again"
                    )
            self._in_flight.update(kinds)
        req.context.counted = kinds

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _succeeded: bool
    ) -> None:
        with self._lock:
            self._in_flight.subtract(getattr(req.context, "counted", []))

    def _waits_as(self, req: falcon.Request) -> list[str]:
        if self._routes.may_take_long(req.path):
            return [BATCHES]
        # An input of another server than ours does not say.
        return [] if getattr(req.env["wsgi.input"], "waits_for_nobody", True) else [SLOW]
