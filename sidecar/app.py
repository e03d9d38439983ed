"""The composition root: every part is made here and handed to those that need it."""

import falcon

from sidecar import resources
from sidecar.adding import Adding
from sidecar.answers import RequestLog, add_error_handlers
from sidecar.catalogue import open_catalogue
from sidecar.dispatcher import Dispatcher
from sidecar.features import Extractor
from sidecar.generations import Generations
from sidecar.health import Health
from sidecar.images import ImageRules
from sidecar.jobs import Deliveries
from sidecar.keywords import Keywords
from sidecar.models import VerifiedModels
from sidecar.search import Search
from sidecar.settings import Settings
from sidecar.trainer import Trainer


def create_app(settings: Settings) -> falcon.App[falcon.Request, falcon.Response]:
    """Build the service: parts, then routes, then what becomes of an error."""
    catalogue = open_catalogue(settings.catalogue_url, settings.task_lease_s)
    generations = Generations(settings.index_dir)
    extractor = Extractor(settings.triton_url, settings.triton_timeout_s)
    models = VerifiedModels(settings.model_repository, catalogue.models, extractor)
    rules = ImageRules(settings.canonical_size, settings.max_image_pixels)
    deliveries = Deliveries(settings.redis_url)
    trainer = Trainer(catalogue, generations, settings.keep_generations)
    dispatcher = Dispatcher(
        catalogue.tasks, catalogue.entries, trainer, deliveries, settings.auto_update_s
    )
    dispatcher.run_rounds()

    adding = Adding(catalogue.entries, models, rules)
    search = Search(catalogue.entries, models, generations, rules)
    keywords = Keywords(models, rules)
    health = Health(catalogue.entries, models, deliveries)

    app = falcon.App(middleware=[RequestLog()])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.auto_parse_qs_csv = False
    status = resources.StatusResource(dispatcher)
    routes: dict[str, object] = {
        "/similarity/add": resources.AddResource(adding, settings.max_image_bytes),
        "/similarity/search": resources.SearchResource(search, settings),
        "/similarity/train": resources.RequestResource(dispatcher, "train"),
        "/similarity/update": resources.RequestResource(dispatcher, "update"),
        "/similarity/status/{task_id}": status,
        "/status/{task_id}": status,
        "/similarity/tasks": resources.TasksResource(dispatcher),
        "/similarity/tasks/{task_id}/cancel": resources.CancelResource(dispatcher),
        "/predict/concepts": resources.ConceptsResource(keywords, settings.max_image_bytes),
        "/health/live": resources.LiveResource(),
        "/health/ready": resources.ReadyResource(health),
    }
    for path, resource in routes.items():
        app.add_route(path, resource)
    add_error_handlers(app)
    return app
