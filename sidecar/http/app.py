"""The composition root: parts, calls, middleware and background make the service of a process."""

import logging
from typing import Any

from sidecar.catalogue import LOOK_ROUND_S, SWEEP_ROUND_S
from sidecar.errors import SimilarityError
from sidecar.http.access_log import AccessLog
from sidecar.http.background import Background
from sidecar.http.error_handlers import App, ErrorFields, add_error_handlers
from sidecar.http.guards.api_keys import ApiKeys
from sidecar.http.guards.auth import Auth
from sidecar.http.guards.concurrency_limit import ConcurrencyLimit
from sidecar.http.guards.cors import Cors
from sidecar.http.guards.forwarded import Forwarded, networks
from sidecar.http.guards.host_names import HostNames
from sidecar.http.guards.one_path import OnePath
from sidecar.http.guards.rate_limit import RateLimit
from sidecar.http.guards.same_site import SameSite
from sidecar.http.pages import PATHS, Pages
from sidecar.http.parts import Parts
from sidecar.http.reading.known_params import KnownParams
from sidecar.http.route import Routes, answer_head
from sidecar.http.routes import make_routes
from sidecar.models import watch
from sidecar.models.version_follower import ROUND_S as VERSIONS_ROUND_S
from sidecar.periodic import Periodic
from sidecar.presence import ROUND_S as PRESENCE_ROUND_S
from sidecar.settings import Settings
from sidecar.tasks.scheduler import ROUND_S as SCHEDULER_ROUND_S
from sidecar.warmup import ROUND_S as WARMUP_ROUND_S


class Sidecar(App):
    """The service of one process: its calls, and what runs in the background.

    Nothing is opened, started or touched before `background.start`, and after `background.stop`
    nothing is left. As a context manager it does both.
    """

    def __init__(self, routes: Routes, middleware: list[Any], background: Background) -> None:
        super().__init__(middleware=middleware)
        self.routes = routes
        self.background = background
        self.req_options.auto_parse_qs_csv = False
        for route in routes:
            answer_head(route.resource)
            self.add_route(route.path, route.resource)
        add_error_handlers(self)

    def __enter__(self) -> "Sidecar":
        try:
            self.background.start()
        except BaseException:
            self.background.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.background.stop()


def create_app(settings: Settings) -> Sidecar:
    """Builds the service.

    Raises:
        SettingsError: the file of API keys, which is read here, can't be read.
        CatalogueUnavailable: CATALOGUE_URL names no kind of database.
    """
    parts = Parts(settings)
    routes = make_routes(parts)
    app = Sidecar(routes, _middleware(parts, routes), _background(parts))
    if settings.ui:
        app.add_sink(Pages(), PATHS)
    return app


def _middleware(parts: Parts, routes: Routes) -> list[Any]:
    """Returns what each request passes before its resource, in this order."""
    settings = parts.settings
    keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    return [
        AccessLog(),
        HostNames(settings.host, settings.host_names),
        Forwarded(networks(settings.trusted_proxies)),
        *filter(None, [cors]),
        ConcurrencyLimit(settings.most_requests, routes),
        OnePath(),
        ErrorFields(),
        SameSite(routes, cors),
        Auth(keys, routes),
        RateLimit(parts.buckets, routes),
        KnownParams(),
    ]


def _background(parts: Parts) -> Background:
    """Returns what is open, and what is done once a second, as long as the process runs."""
    scheduler, warmup = parts.scheduler.run_round, parts.warmup.look
    expected = (SimilarityError, OSError)
    return Background(
        opens=parts.open,
        periodics=(
            Periodic("scheduler", scheduler, SCHEDULER_ROUND_S, (SimilarityError,)),
            Periodic("warmup", warmup, WARMUP_ROUND_S, expected, logging.DEBUG),
            *watch.periodics(parts.models),
            *_of_sharing(parts),
            *_of_pictures(parts),
        ),
        closes=(
            *([parts.presence.end] if parts.presence else []),
            parts.ingest_batch.close,
            parts.batch_queries.close,
            parts.health.close,
            parts.queue.close,
            parts.models.close,
            parts.catalogue.close,
            parts.buckets.close,
        ),
        stopping=parts.batch_reader.stopping,
    )


def _of_pictures(parts: Parts) -> list[Periodic]:
    """Returns what deletes the objects of removed images, where images are in a store, and what
    sees whether it is there. Every process does: each takes other names, and asks for itself."""
    if not parts.settings.pictures_store:
        return []
    sweep, look = parts.catalogue.unnamed.sweep, parts.catalogue.objects.look
    return [
        Periodic("sweep of images", sweep, SWEEP_ROUND_S, (SimilarityError,)),
        Periodic("look at the images", look, LOOK_ROUND_S, (SimilarityError,), logging.DEBUG),
    ]


def _of_sharing(parts: Parts) -> list[Periodic]:
    """Returns what runs where several hosts share the index: it is fetched beside the warm-up,
    since that may take minutes, and so are versions of the model."""
    if parts.sharing is None or parts.presence is None or parts.versions is None:
        return []
    expected = (SimilarityError, OSError)
    follow, note = parts.sharing.follower.look, parts.presence.note
    return [
        Periodic("index follower", follow, WARMUP_ROUND_S, expected, logging.DEBUG),
        Periodic("version follower", parts.versions.look, VERSIONS_ROUND_S, expected),
        Periodic("presence", note, PRESENCE_ROUND_S, expected, logging.DEBUG),
    ]
