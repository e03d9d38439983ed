"""The one table of calls: each path with its resource, its scope, and how it is treated."""

from collections.abc import Iterator

from sidecar.catalogue import TaskKind
from sidecar.http.guards.api_keys import ADMIN, READ, WRITE
from sidecar.http.parts import Parts
from sidecar.http.resources.adding import AddBatchResource, AddResource
from sidecar.http.resources.compare import CompareResource
from sidecar.http.resources.duplicates import (
    DecisionsResource,
    DuplicateLinesResource,
    DuplicatesResource,
)
from sidecar.http.resources.explain import ExplainResource
from sidecar.http.resources.identity import MeResource, OpenApiResource, VersionResource
from sidecar.http.resources.images import (
    ImageResource,
    OriginalResource,
    RemoveResource,
    ThumbnailResource,
)
from sidecar.http.resources.listings import ImagesResource, KeywordsResource
from sidecar.http.resources.many import CheckResource, RemoveBatchResource
from sidecar.http.resources.metadata import MetadataResource
from sidecar.http.resources.models import (
    CancelUpgradeResource,
    EstimateResource,
    ModelsResource,
    PreviewResource,
    RetireResource,
    RollbackResource,
    UpgradeResource,
)
from sidecar.http.resources.predict import ConceptsResource, FeaturesResource
from sidecar.http.resources.recommend import RecommendResource
from sidecar.http.resources.search import SearchResource
from sidecar.http.resources.search_batch import SearchBatchResource
from sidecar.http.resources.status import (
    LiveResource,
    MetricsResource,
    ReadyResource,
    StatsResource,
)
from sidecar.http.resources.tasks import (
    CancelResource,
    FillResource,
    RequestResource,
    StatusResource,
    TasksResource,
)
from sidecar.http.route import ANY, OPEN, Route, Routes
from sidecar.http.waits import Waits


def make_routes(parts: Parts) -> Routes:
    """Returns all calls of the service."""
    groups = (_images, _search, _duplicates, _tasks, _models, _status)
    return Routes(*(route for group in groups for route in group(parts)))


def _images(parts: Parts) -> Iterator[Route]:
    images, removals = parts.catalogue.images, parts.catalogue.removals
    inventory, path = parts.inventory, "/similarity/images/{image_id}"
    add = AddResource(parts.ingest, parts.similar_adds, parts.image_reader)
    add_batch = AddBatchResource(parts.ingest_batch, parts.batch_reader)
    yield Route("/similarity/add", add, WRITE)
    yield Route("/similarity/add_batch", add_batch, WRITE, may_take_long=True)
    yield Route("/similarity/remove", RemoveResource(removals), WRITE)
    image = ImageResource(inventory, parts.keywords)
    yield Route("/similarity/remove_batch", RemoveBatchResource(removals), WRITE)
    listing = ImagesResource(images, parts.keyword_search)
    yield Route("/similarity/images", listing, READ)
    yield Route("/similarity/keywords", KeywordsResource(parts.keyword_search), READ)
    yield Route("/similarity/images/check", CheckResource(images, image), READ)
    yield Route(path, image, READ)
    yield Route(f"{path}/thumbnail", ThumbnailResource(images), READ)
    yield Route(f"{path}/original", OriginalResource(inventory), READ)
    yield Route(f"{path}/metadata", MetadataResource(parts.catalogue.metadata), READ)


def _search(parts: Parts) -> Iterator[Route]:
    reader = parts.image_reader
    search = SearchResource(parts.search, reader, parts.matches, parts.settings)
    yield Route("/similarity/search", search, READ)
    batch = SearchBatchResource(parts.search_batch, parts.batch_reader, search)
    yield Route("/similarity/search_batch", batch, READ, may_take_long=True)
    recommend = RecommendResource(parts.recommend, parts.feedback_reader, search)
    yield Route("/similarity/recommend", recommend, READ)
    yield Route("/similarity/compare", CompareResource(parts.compare, reader), READ)
    yield Route("/similarity/explain", ExplainResource(parts.explain, reader), READ)
    yield Route("/predict/concepts", ConceptsResource(parts.keywords, reader), READ)
    yield Route("/predict/features", FeaturesResource(parts.keywords, reader), READ)


def _duplicates(parts: Parts) -> Iterator[Route]:
    groups, path = parts.duplicate_groups, "/similarity/duplicates"
    yield Route(path, DuplicatesResource(parts.scheduler, groups), READ, post_scope=WRITE)
    yield Route(f"{path}.ndjson", DuplicateLinesResource(groups, parts.settings.data_dir), READ)
    yield Route(f"{path}/decisions", DecisionsResource(parts.catalogue.decisions), WRITE)


def _tasks(parts: Parts) -> Iterator[Route]:
    scheduler = parts.scheduler
    waits = Waits(parts.settings.most_requests, parts.batch_reader.stopping)
    status = StatusResource(scheduler, waits)
    yield Route("/similarity/train", RequestResource(scheduler, TaskKind.TRAIN), ADMIN)
    yield Route("/similarity/update", RequestResource(scheduler, TaskKind.UPDATE), ADMIN)
    yield Route("/similarity/keywords/fill", FillResource(scheduler), ADMIN)
    yield Route("/similarity/status/{task_id}", status, READ)
    yield Route("/status/{task_id}", status, READ)
    yield Route("/similarity/tasks", TasksResource(scheduler), READ)
    yield Route("/similarity/tasks/{task_id}/cancel", CancelResource(scheduler), ADMIN)


def _models(parts: Parts) -> Iterator[Route]:
    requests = parts.model_requests
    yield Route("/similarity/models", ModelsResource(parts.model_status), READ)
    yield Route("/similarity/upgrade", UpgradeResource(requests), ADMIN)
    # It costs inference, which a key that only reads should not spend on what it can't ask for.
    yield Route("/similarity/upgrade/estimate", EstimateResource(parts.estimates), ADMIN)
    yield Route("/similarity/upgrade/preview", PreviewResource(parts.previews), ADMIN)
    yield Route("/similarity/upgrade/cancel", CancelUpgradeResource(requests), ADMIN)
    yield Route("/similarity/rollback", RollbackResource(requests), ADMIN)
    yield Route("/similarity/retire", RetireResource(requests), ADMIN)


def _status(parts: Parts) -> Iterator[Route]:
    version = VersionResource(parts.models, parts.settings)
    yield Route("/similarity/version", version, ANY)
    yield Route("/similarity/me", MeResource(), ANY)
    yield Route("/openapi.json", OpenApiResource(), OPEN)
    yield Route("/similarity/stats", StatsResource(parts.inventory), READ)
    yield Route("/metrics", MetricsResource(parts.gauges), READ, may_be_shed=False)
    yield Route("/health/live", LiveResource(), OPEN, may_be_shed=False)
    yield Route("/health/ready", ReadyResource(parts.health), OPEN, may_be_shed=False)
