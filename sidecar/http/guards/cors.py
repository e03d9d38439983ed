"""Lets web pages of other origins call the service, where CORS_ORIGINS names them.

Source: the Fetch standard, "CORS protocol". No cookie is ever read, so credentials stay off: a page
sends its key in a header.
"""

from typing import Any

import falcon

ALL = "*"
EXPOSED = (
    "ETag",
    "Retry-After",
    "Server-Timing",
    "X-Dimension",
    "X-Generation",
    "X-Model-Version",
    "X-Request-Id",
    "X-Unindexed",
)


class Cors(falcon.CORSMiddleware[Any, Any]):
    """Adds the headers of CORS to every answer, errors included, and answers preflights.

    Args:
        origins: those allowed, separated by commas, or `*` for all.
    """

    def __init__(self, origins: str) -> None:
        given = [origin.strip() for origin in origins.split(",")]
        super().__init__(ALL if given == [ALL] else given, expose_headers=EXPOSED)

    def lets(self, origin: str | None) -> bool:
        """Returns whether pages of an origin may call."""
        return self.allow_origins == ALL or origin in self.allow_origins

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        super().process_response(req, resp, resource, req_succeeded)
        if self.allow_origins != ALL:
            resp.append_header("Vary", "Origin")  # a cache must not hand it to another origin
