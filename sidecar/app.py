"""The composition root: every part is made here and handed to those that need it."""

import falcon

from sidecar import image_resources, model_resources, resources, task_resources
from sidecar.adding import Adding
from sidecar.answers import RequestLog, add_error_handlers
from sidecar.archives import BatchRules
from sidecar.batch import Batch
from sidecar.builds import BuildRules
from sidecar.catalogue import open_catalogue
from sidecar.dispatcher import Dispatcher
from sidecar.features import Extractor
from sidecar.generations import Generations
from sidecar.health import Health
from sidecar.images import ImageRules
from sidecar.inventory import Inventory
from sidecar.jobs import Deliveries
from sidecar.keywords import Keywords
from sidecar.metrics import Metrics
from sidecar.models import VerifiedModels
from sidecar.preloading import Preloader
from sidecar.roster import Roster
from sidecar.search import Search
from sidecar.settings import Settings
from sidecar.switches import Switches
from sidecar.tombstones import Tombstones
from sidecar.trainer import Trainer
from sidecar.uploads import BatchReader


def create_app(settings: Settings) -> falcon.App[falcon.Request, falcon.Response]:
    """Build the service: parts, then routes, then what becomes of an error."""
    catalogue = open_catalogue(settings.database_url, settings.task_lease_s)
    generations = Generations(settings.index_dir)
    extractor = Extractor.of(settings)
    repository = settings.model_repository
    models = VerifiedModels(repository, catalogue.models, extractor)
    rules = ImageRules(settings.canonical_size, settings.max_image_pixels)
    deliveries = Deliveries(settings.redis_url)
    trainer = Trainer(catalogue, generations, BuildRules.of(settings), settings.keep_generations)
    entries, removals = catalogue.entries, catalogue.removals
    dispatcher = Dispatcher(
        catalogue.tasks, entries, removals, trainer, deliveries, settings.auto_update_s
    )
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
    switches = Switches(catalogue, generations, repository, dispatcher)
    health = Health(entries, models, deliveries)

    app = falcon.App(middleware=[RequestLog()])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_qs_csv = False
    status = task_resources.StatusResource(dispatcher)
    routes: dict[str, object] = {
        "/similarity/add": resources.AddResource(adding, settings.max_image_bytes),
        "/similarity/add_batch": resources.AddBatchResource(Batch(adding), reader),
        "/similarity/remove": image_resources.RemoveResource(removals),
        "/similarity/images": image_resources.ImagesResource(entries),
        "/similarity/images/{image_id}": image_resources.ImageResource(inventory, keywords),
        "/similarity/images/{image_id}/thumbnail": image_resources.ThumbnailResource(entries),
        "/similarity/images/{image_id}/original": image_resources.OriginalResource(inventory),
        "/similarity/stats": task_resources.StatsResource(inventory),
        "/similarity/search": resources.SearchResource(search, settings),
        "/similarity/train": task_resources.RequestResource(dispatcher, "train"),
        "/similarity/update": task_resources.RequestResource(dispatcher, "update"),
        "/similarity/models": model_resources.ModelsResource(roster),
        "/similarity/upgrade": model_resources.UpgradeResource(switches),
        "/similarity/upgrade/cancel": model_resources.CancelUpgradeResource(switches),
        "/similarity/rollback": model_resources.RollbackResource(switches),
        "/similarity/retire": model_resources.RetireResource(switches),
        "/similarity/status/{task_id}": status,
        "/status/{task_id}": status,
        "/similarity/tasks": task_resources.TasksResource(dispatcher),
        "/similarity/tasks/{task_id}/cancel": task_resources.CancelResource(dispatcher),
        "/predict/concepts": resources.ConceptsResource(keywords, settings.max_image_bytes),
        "/metrics": task_resources.MetricsResource(Metrics(generations)),
        "/health/live": task_resources.LiveResource(),
        "/health/ready": task_resources.ReadyResource(health),
    }
    for path, resource in routes.items():
        app.add_route(path, resource)
    add_error_handlers(app)
    return app
