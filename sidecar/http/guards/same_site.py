"""Keeps web pages of other sites from changing anything: a browser on this machine, or in this
network, would send their requests as if its user had meant them.

Source: Fetch Metadata (W3C), `Sec-Fetch-Site`. Browsers send it to https and to this machine; curl
and scripts do not.
"""

import falcon

from sidecar.errors import ForeignPage
from sidecar.http.guards.api_keys import ADMIN, WRITE
from sidecar.http.guards.auth import CHANGES
from sidecar.http.guards.cors import Cors
from sidecar.http.route import Routes

FOREIGN = ("cross-site", "same-site")  # the latter is another port or a neighbouring name


class SameSite:
    """Refuses a call that changes something, from a page of an origin that may not call.

    Args:
        routes: the calls, with the scope of each.
        cors: the origins whose pages may call; None where there are none.
    """

    def __init__(self, routes: Routes, cors: Cors | None) -> None:
        self._routes = routes
        self._cors = cors

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _params: object
    ) -> None:
        if req.get_header("Sec-Fetch-Site") not in FOREIGN or req.method == "OPTIONS":
            return
        scope = self._routes.scope(req.uri_template or "", req.method)
        is_change = scope in (WRITE, ADMIN) or req.method in CHANGES
        if is_change and not (self._cors and self._cors.lets(req.get_header("Origin"))):
            raise ForeignPage(
                "a web page of another site can't change anything here, unless CORS_ORIGINS names "
                "its origin"
            )
