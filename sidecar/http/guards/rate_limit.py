"""Refuses what a key sends beyond its rate."""

import falcon

from sidecar.errors import RateLimited
from sidecar.http.guards.buckets import Buckets
from sidecar.http.guards.rate import SECOND_NS
from sidecar.http.route import Routes


class RateLimit:
    """Takes a token for each request that `Auth` has let in with a key that has a rate.

    Args:
        buckets: of all keys.
        routes: the calls: those of monitoring need no token.
    """

    def __init__(self, buckets: Buckets, routes: Routes) -> None:
        self._buckets = buckets
        self._routes = routes

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _params: object
    ) -> None:
        key = getattr(req.context, "api_key", None)
        if key is None or key.rate is None or not self._routes.may_be_shed(req.path):
            return
        wait_ns = self._buckets.take(key.sha256, key.rate)
        if wait_ns:
            wait_s = -(-wait_ns // SECOND_NS)
            raise RateLimited(
                f"the key {key.name} is over its {key.rate} (requests a second / at once): "
                f"try again in {wait_s} s",
                wait_s,
            )
