"""Lets a request in only with a key that has the scope of its call."""

import falcon

from sidecar.errors import KeyRequired, ScopeMissing
from sidecar.http.guards.api_keys import READ, WRITE, ApiKeys
from sidecar.http.route import ANY, OPEN, Routes

BEARER = "bearer"

CHANGES = ("DELETE", "PUT", "PATCH")  # methods that change an image


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
        scope = self._routes.scope(req.uri_template or "", req.method)
        if scope == OPEN:
            req.context.may_read = self._may_read(req)
            return
        if self._keys is None or req.method == "OPTIONS":
            return  # a browser sends no key with OPTIONS, which answers the methods of a call
        key = self._keys.find(_secret(req))
        req.context.key, req.context.api_key = key.name, key
        required = WRITE if req.method in CHANGES else scope
        if required not in (ANY, *key.scopes):
            raise ScopeMissing(f"this call requires a key with the scope {required}")

    def _may_read(self, req: falcon.Request) -> bool:
        """Returns whether a request may see what is inside, also of a call that is open to all."""
        try:
            return self._keys is None or READ in self._keys.find(_secret(req)).scopes
        except KeyRequired:
            return False


def _secret(req: falcon.Request) -> str:
    """Returns the key in `Authorization: Bearer KEY` or `X-API-Key: KEY`, "" without either."""
    scheme, _, key = (req.auth or "").partition(" ")
    if scheme.lower() == BEARER:  # in any case. Source: RFC 9110, 11.1
        return key.strip()
    return req.get_header("X-API-Key") or ""
