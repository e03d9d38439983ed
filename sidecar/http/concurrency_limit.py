"""Refuses requests beyond a limit before it reads them."""

import threading

import falcon

from sidecar.errors import TooBusy
from sidecar.http.route import Routes


class ConcurrencyLimit:
    """Counts the requests in flight, and refuses those beyond the limit.

    Args:
        limit: requests in flight at once, not counting those that may not be shed.
        routes: the calls, and whether each may be shed.
    """

    def __init__(self, limit: int, routes: Routes) -> None:
        self._limit = limit
        self._routes = routes
        self._in_flight = 0
        self._lock = threading.Lock()

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if not self._routes.may_be_shed(req.path):
            return
        with self._lock:
            if self._in_flight >= self._limit:
                raise TooBusy(
                    f"{self._limit} requests are in flight, the limit of a process "
                    "(HTTP_THREADS): try again"
                )
            self._in_flight += 1
        req.context.counted = True

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _succeeded: bool
    ) -> None:
        if getattr(req.context, "counted", False):
            with self._lock:
                self._in_flight -= 1
