"""Whom a process lets in: those with a key for what they ask, and only so many at once."""

import threading

import falcon

from sidecar.errors import ScopeMissing, TooBusy
from sidecar.keys import Keys

OPEN = ""  # the scope of what needs no key
BEARER = "Bearer "
WATCHERS = ("/metrics", "/health/live", "/health/ready")  # who look most when there is too much


class Gate:
    """Counts the requests in hand, and refuses those beyond the limit before it reads them.

    Args:
        most: requests at once, besides those of `WATCHERS`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._in_hand = 0
        self._lock = threading.Lock()

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if req.path in WATCHERS:
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


class Access:
    """Asks for a key, where there are any.

    Args:
        keys: None lets everybody in.
        scopes: by the template of a route; what it wants of who reads. To DELETE is to write.
    """

    def __init__(self, keys: Keys | None, scopes: dict[str, str]) -> None:
        self._keys = keys
        self._scopes = scopes

    def process_resource(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _params: object
    ) -> None:
        scope = self._scopes[req.uri_template or ""]
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
