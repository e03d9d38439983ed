"""The composition root: every part is made here and handed to those that need it."""

from typing import Any

import falcon

from sidecar import image_resources, model_resources, resources, task_resources
from sidecar.access import OPEN, Access, Gate
from sidecar.adding import Adding
from sidecar.admission import Admission
from sidecar.answers import App, add_error_handlers
from sidecar.archives import BatchRules
from sidecar.batch import Batch
from sidecar.catalogue import TaskKind, open_catalogue
from sidecar.deliveries import Deliveries
from sidecar.dispatcher import Dispatcher
from sidecar.features import Extractor
from sidecar.figures import Figures
from sidecar.generations import Generations
from sidecar.health import Health
from sidecar.images import ImageRules
from sidecar.inventory import Inventory
from sidecar.keys import SCOPES, Keys
from sidecar.keywords import Keywords
from sidecar.models import VerifiedModels
from sidecar.preloading import Preloader
from sidecar.request_log import RequestLog
from sidecar.roster import Roster
from sidecar.search import Search
from sidecar.settings import Settings
from sidecar.switches import Switches
from sidecar.tombstones import Tombstones
from sidecar.uploads import BatchReader


def create_app(settings: Settings) -> App:
    """Build the service: parts, then routes, then what becomes of an error."""
    catalogue = open_catalogue(
        settings.database_url, settings.task_lease_s, settings.keep_tasks_days
    )
    generations = Generations(settings.index_dir)
    extractor = Extractor.of(settings)
    repository = settings.model_repository
    models = VerifiedModels(repository, catalogue.models, extractor)
    rules = ImageRules(settings.canonical_size, settings.max_image_pixels)
    deliveries = Deliveries(settings.redis_url)
    admission = Admission(generations, repository)
    entries, removals = catalogue.entries, catalogue.removals
    dispatcher = Dispatcher(catalogue, admission, deliveries, settings.auto_update_s)
    dispatcher.run_rounds()
    Preloader(generations, models).run_rounds()

    adding = Adding(catalogue.adds, models, rules, settings.keep_originals)
    tombstones = Tombstones(removals)
    search = Search(entries, models, generations, tombstones, rules)
    keywords = Keywords(models, rules)
    inventory = Inventory(catalogue, generations, tombstones)
    limits = BatchRules(settings.max_image_bytes, settings.max_batch_bytes)
    reader = BatchReader(limits, settings.data_dir)
    roster = Roster(catalogue, generations, repository, extractor)
    switches = Switches(catalogue, admission, dispatcher)
    health = Health(entries, models, deliveries)

    figures = Figures(catalogue, generations, inventory, health, repository, settings.data_dir)
    read, write, admin = SCOPES

    status = task_resources.StatusResource(dispatcher)
    routes: dict[str, tuple[str, object]] = {
        "/similarity/add": (write, resources.AddResource(adding, settings.max_image_bytes)),
        "/similarity/add_batch": (write, resources.AddBatchResource(Batch(adding), reader)),
        "/similarity/remove": (write, image_resources.RemoveResource(removals)),
        "/similarity/images": (read, image_resources.ImagesResource(entries)),
        "/similarity/images/{image_id}": (read, image_resources.ImageResource(inventory, keywords)),
        "/similarity/images/{image_id}/thumbnail": (
            read,
            image_resources.ThumbnailResource(entries),
        ),
        "/similarity/images/{image_id}/original": (
            read,
            image_resources.OriginalResource(inventory),
        ),
        "/similarity/stats": (read, task_resources.StatsResource(inventory)),
        "/similarity/search": (read, resources.SearchResource(search, settings)),
        "/similarity/train": (admin, task_resources.RequestResource(dispatcher, TaskKind.TRAIN)),
        "/similarity/update": (admin, task_resources.RequestResource(dispatcher, TaskKind.UPDATE)),
        "/similarity/models": (read, model_resources.ModelsResource(roster)),
        "/similarity/upgrade": (admin, model_resources.UpgradeResource(switches)),
        "/similarity/upgrade/cancel": (admin, model_resources.CancelUpgradeResource(switches)),
        "/similarity/rollback": (admin, model_resources.RollbackResource(switches)),
        "/similarity/retire": (admin, model_resources.RetireResource(switches)),
        "/similarity/status/{task_id}": (read, status),
        "/status/{task_id}": (read, status),
        "/similarity/tasks": (read, task_resources.TasksResource(dispatcher)),
        "/similarity/tasks/{task_id}/cancel": (admin, task_resources.CancelResource(dispatcher)),
        "/predict/concepts": (read, resources.ConceptsResource(keywords, settings.max_image_bytes)),
        "/metrics": (read, task_resources.MetricsResource(figures)),
        "/health/live": (OPEN, task_resources.LiveResource()),
        "/health/ready": (OPEN, task_resources.ReadyResource(health)),
    }
    return _assembled(routes, settings)


def _assembled(routes: dict[str, tuple[str, object]], settings: Settings) -> App:
    """The resources behind their paths, and what every request passes on its way to them."""
    scopes = {path: scope for path, (scope, _) in routes.items()}
    keys = Keys(settings.api_keys_file) if settings.api_keys_file else None
    gate = Gate(settings.most_requests)
    passed: list[Any] = [RequestLog(), gate, Access(keys, scopes)]
    app = falcon.App(middleware=passed)
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_qs_csv = False
    for path, (_, resource) in routes.items():
        app.add_route(path, resource)
    add_error_handlers(app)
    return app
