"""Whom a process lets in: those with a key for what they ask, and only so many at once."""

import falcon

from sidecar.errors import ScopeMissing
from sidecar.http.api_keys import ApiKeys
from sidecar.http.routes import OPEN, Routes

BEARER = "Bearer "


class Auth:
    """Asks for a key, where there are any.

    Args:
        keys: None lets everybody in.
        routes: say what scope each call wants.
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
        wanted = "write" if req.method == "DELETE" else scope
        if wanted not in key.scopes:
            raise ScopeMissing(f"this call wants a key with the scope {wanted}")


def _secret(req: falcon.Request) -> str:
    """What the client sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`."""
    given = req.auth or ""
    if given.startswith(BEARER):
        return given.removeprefix(BEARER).strip()
    return req.get_header("X-API-Key") or ""
