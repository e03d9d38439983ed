"""Gives each call one path, so that a proxy's rule for that path holds."""

import falcon

from sidecar.http.pages import FOLDERS

PASSED_OVER = {"", ".", ".."}  # by a proxy, or by Falcon, which takes `//metrics` for `/metrics`


class OnePath:
    """Refuses a path with a segment that only some readers of it see."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if req.path not in FOLDERS and PASSED_OVER & set(req.path.split("/")[1:]):
            raise falcon.HTTPRouteNotFound
