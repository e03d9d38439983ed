"""Lets a request in only with a key that has the scope of its call."""

import falcon

from sidecar.errors import ScopeMissing
from sidecar.http.api_keys import WRITE, ApiKeys
from sidecar.http.route import OPEN, Routes

BEARER = "Bearer "


class Auth:
    """Checks the key of each request.

    Args:
        keys: the known keys; None lets every request in.
        routes: the calls, with the scope of each.
    """

    def __init__(self, keys: ApiKeys | None, routes: Routes) -> None:
        self._keys = keys
        self._routes = routes

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _params: object
    ) -> None:
        scope = self._routes.scope(req.uri_template or "")
        if self._keys is None or scope == OPEN:
            return
        key = self._keys.find(_secret(req))
        req.context.key = key.name
        required = WRITE if req.method == "DELETE" else scope
        if required not in key.scopes:
            raise ScopeMissing(f"this call requires a key with the scope {required}")


def _secret(req: falcon.Request) -> str:
    """Returns the key in `Authorization: Bearer KEY` or `X-API-Key: KEY`, "" without either."""
    given = req.auth or ""
    if given.startswith(BEARER):
        return given.removeprefix(BEARER).strip()
    return req.get_header("X-API-Key") or ""
