"""The composition root: every part is made here and handed to those that need it."""

import logging
from typing import Any

from sidecar import warmup as preloading
from sidecar.catalogue import TaskKind, catalogue_at
from sidecar.errors import SimilarityError
from sidecar.http.access_log import AccessLog
from sidecar.http.api_keys import SCOPES, ApiKeys
from sidecar.http.auth import Auth
from sidecar.http.background import Background
from sidecar.http.concurrency_limit import ConcurrencyLimit
from sidecar.http.error_handlers import App, add_error_handlers
from sidecar.http.resources import images as image_resources
from sidecar.http.resources import models as model_resources
from sidecar.http.resources import search as search_resources
from sidecar.http.resources import status as status_resources
from sidecar.http.resources import tasks as task_resources
from sidecar.http.routes import OPEN, Route, Routes
from sidecar.http.uploads import BatchReader
from sidecar.images import BatchRules, ImageRules
from sidecar.index import GenerationStore, Tombstones
from sidecar.ingest import Ingest
from sidecar.ingest_batch import IngestBatch
from sidecar.models.keywords import Keywords
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.operations.gauges import Gauges
from sidecar.operations.health import Health
from sidecar.operations.model_status import ModelStatus
from sidecar.operations.stats import Inventory
from sidecar.periodic import Periodic
from sidecar.search import Search
from sidecar.settings import Settings
from sidecar.tasks import scheduler as dispatching
from sidecar.tasks.admission import Admission
from sidecar.tasks.model_requests import ModelRequests
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.scheduler import Scheduler
from sidecar.warmup import Warmup


class Sidecar(App):
    """The service of one process: its calls, and what it has beside them.

    Nothing is opened, started or touched before `background.start`, and after `background.stop`
    nothing is left. As a context manager it does both.
    """

    def __init__(self, routes: Routes, background: Background, middleware: list[Any]) -> None:
        super().__init__(middleware=middleware)
        self.routes = routes
        self.background = background
        self.req_options.strip_url_path_trailing_slash = True
        self.req_options.auto_parse_qs_csv = False
        for route in routes:
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
    """Build the service: parts, then routes, then what runs beside them.

    Raises:
        SettingsError: of the file of API keys, which is read here.
        CatalogueUnavailable: CATALOGUE_URL names no kind of database.
    """
    catalogue = catalogue_at(settings.database_url, settings.task_lease_s, settings.keep_tasks_days)
    generations = GenerationStore(settings.index_dir)
    triton = TritonClient.of(settings)
    repository = settings.model_repository
    models = ModelRegistry(repository, catalogue.models, triton)
    rules = ImageRules(settings.canonical_size, settings.max_image_pixels)
    deliveries = TaskQueue(settings.redis_url)
    admission = Admission(generations, repository)
    entries, removals = catalogue.images, catalogue.removals
    scheduler = Scheduler(catalogue, admission, deliveries, settings.auto_update_s)

    ingest = Ingest(catalogue.adds, models, rules, settings.keep_originals)
    batch = IngestBatch(ingest)
    search = Search(entries, models, generations, Tombstones(removals), rules)
    keywords = Keywords(models, rules)
    inventory = Inventory(catalogue, generations)
    limits = BatchRules(settings.max_image_bytes, settings.max_batch_bytes)
    reader = BatchReader(limits, settings.data_dir)
    model_status = ModelStatus(catalogue, generations, repository, triton)
    model_requests = ModelRequests(catalogue, admission, scheduler)
    health = Health(entries, models, deliveries)

    gauges = Gauges(catalogue, generations, inventory, health, repository, settings.data_dir)
    read, write, admin = SCOPES

    add = image_resources.AddResource(ingest, settings.max_image_bytes)
    add_batch = image_resources.AddBatchResource(batch, reader)
    concepts = search_resources.ConceptsResource(keywords, settings.max_image_bytes)
    image = image_resources.ImageResource(inventory, keywords)
    thumbnail = image_resources.ThumbnailResource(entries)
    original = image_resources.OriginalResource(inventory)
    status = task_resources.StatusResource(scheduler)
    live, ready = status_resources.LiveResource(), status_resources.ReadyResource(health)
    metrics = status_resources.MetricsResource(gauges)
    routes = Routes(
        Route("/similarity/add", add, write),
        Route("/similarity/add_batch", add_batch, write, may_take_long=True),
        Route("/similarity/remove", image_resources.RemoveResource(removals), write),
        Route("/similarity/images", image_resources.ImagesResource(entries), read),
        Route("/similarity/images/{image_id}", image, read),
        Route("/similarity/images/{image_id}/thumbnail", thumbnail, read),
        Route("/similarity/images/{image_id}/original", original, read),
        Route("/similarity/stats", status_resources.StatsResource(inventory), read),
        Route("/similarity/search", search_resources.SearchResource(search, settings), read),
        Route(
            "/similarity/train", task_resources.RequestResource(scheduler, TaskKind.TRAIN), admin
        ),
        Route(
            "/similarity/update", task_resources.RequestResource(scheduler, TaskKind.UPDATE), admin
        ),
        Route("/similarity/models", model_resources.ModelsResource(model_status), read),
        Route("/similarity/upgrade", model_resources.UpgradeResource(model_requests), admin),
        Route(
            "/similarity/upgrade/cancel",
            model_resources.CancelUpgradeResource(model_requests),
            admin,
        ),
        Route("/similarity/rollback", model_resources.RollbackResource(model_requests), admin),
        Route("/similarity/retire", model_resources.RetireResource(model_requests), admin),
        Route("/similarity/status/{task_id}", status, read),
        Route("/status/{task_id}", status, read),
        Route("/similarity/tasks", task_resources.TasksResource(scheduler), read),
        Route(
            "/similarity/tasks/{task_id}/cancel", task_resources.CancelResource(scheduler), admin
        ),
        Route("/predict/concepts", concepts, read),
        Route("/metrics", metrics, read, may_be_shed=False),
        Route("/health/live", live, OPEN, may_be_shed=False),
        Route("/health/ready", ready, OPEN, may_be_shed=False),
    )
    background = Background(
        opens=catalogue.open,
        rounds=_rounds(scheduler, Warmup(generations, models)),
        closes=(batch.close, health.close, deliveries.close, catalogue.close),
    )
    keys = ApiKeys(settings.api_keys_file) if settings.api_keys_file else None
    passed = [AccessLog(), ConcurrencyLimit(settings.most_requests, routes), Auth(keys, routes)]
    return Sidecar(routes, background, passed)


def _rounds(scheduler: Scheduler, warmup: Warmup) -> tuple[Periodic, ...]:
    """What each process does once a second."""
    expected = (SimilarityError, OSError)
    return (
        Periodic("dispatcher", scheduler.run_round, dispatching.ROUND_S, (SimilarityError,)),
        Periodic("preloader", warmup.look, preloading.ROUND_S, expected, logging.DEBUG),
    )
