"""Refuses requests beyond a limit before it reads them."""

import threading

import falcon

from sidecar.errors import TooBusy
from sidecar.http.routes import Routes


class ConcurrencyLimit:
    """Counts the requests in hand, and refuses those beyond the limit before it reads them.

    Args:
        most: requests at once, besides those that may not be shed.
        routes: say which these are.
    """

    def __init__(self, most: int, routes: Routes) -> None:
        self._most = most
        self._routes = routes
        self._in_hand = 0
        self._lock = threading.Lock()

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if not self._routes.may_be_shed(req.path):
            return
        with self._lock:
            if self._in_hand >= self._most:
                raise TooBusy(f"{self._most} requests are in hand: try again")
            self._in_hand += 1
        req.context.let_in = True

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _succeeded: bool
    ) -> None:
        if getattr(req.context, "let_in", False):
            with self._lock:
                self._in_hand -= 1
