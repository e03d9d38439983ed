"""Serves the pages for people: the files of `sidecar/ui`, as they are, at /ui/.

They hold no data and need no key: what they show, they ask for by the documented calls.
"""

import re
from io import IOBase
from pathlib import Path

import falcon
from falcon.routing import StaticRoute

FOLDER = Path(__file__).parents[1] / "ui"
HOME = "/ui/"
FOLDERS = ("/", HOME)  # the paths that end in a slash
PATHS = re.compile(r"/(ui(/.*)?)?$")
# Scripts and styles come as files from here, and nothing from anywhere else. Source: CSP Level 3.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Pages:
    """Answers GET of a page's file, and leads from / to the page; a sink of Falcon's."""

    def __init__(self) -> None:
        self._files = StaticRoute(HOME, FOLDER)

    def __call__(self, req: falcon.Request, resp: falcon.Response, **_: str) -> None:
        req.uri_template = HOME  # what the counts name them by
        if req.method not in ("GET", "HEAD", "OPTIONS"):
            raise falcon.HTTPMethodNotAllowed(["GET", "HEAD", "OPTIONS"])
        if not req.path.startswith(HOME):
            raise falcon.HTTPFound(HOME.lstrip("/"))  # relative: a proxy may have a prefix
        if req.path == HOME:
            req.path += "index.html"
        self._files(req, resp)
        if req.method == "HEAD" and isinstance(resp.stream, IOBase):
            resp.stream.close()  # Falcon sends nothing of it, and leaves it open
        resp.set_header("Content-Security-Policy", POLICY)
        resp.set_header("Cross-Origin-Opener-Policy", "same-origin")
        resp.cache_control = ["no-cache"]  # asked for each time, by its ETag: a release changes it
