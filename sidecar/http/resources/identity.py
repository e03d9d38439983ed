"""The resources that say what the service is, which calls it has, and who asks."""

from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import falcon

from sidecar.http import openapi
from sidecar.http.guards.api_keys import SCOPES
from sidecar.models.registry import ModelRegistry
from sidecar.settings import Settings

PACKAGE = "similarity"
API = 1  # grows when a call changes its meaning


class VersionResource:
    """Says which release this is, and what is switched on: GET /similarity/version."""

    def __init__(self, models: ModelRegistry, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        record = self._models.recorded()
        model = record and {"version": record.version, "sha256": record.sha256}
        resp.media = {
            "status": "ok",
            "version": _release(),
            "api": API,
            "model": model,
            "features": _features(self._settings),
        }


class MeResource:
    """Says whose key a request has, and what it opens: GET /similarity/me."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        key = getattr(req.context, "api_key", None)
        scopes = SCOPES if key is None else [scope for scope in SCOPES if scope in key.scopes]
        resp.media = {"status": "ok", "name": key and key.name, "scopes": list(scopes)}


class OpenApiResource:
    """Sends the document of all calls: GET /openapi.json."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = self._content

    @cached_property
    def _content(self) -> bytes:
        """Returns the same bytes each time: they are made for the first request, not at a start."""
        return openapi.content()


def _features(settings: Settings) -> dict[str, Any]:
    return {
        "keys": settings.api_keys_file is not None,
        "keep_originals": settings.keep_originals,
        "live_search": settings.live_search,
        "ui": settings.ui,
    }


def _release() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:  # a checkout that nobody installed
        return "0"
