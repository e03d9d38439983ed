"""The parts of the service, and how they are put together."""

from dataclasses import dataclass

from sidecar.catalogue import Catalogue, catalogue_at
from sidecar.duplicates.groups import DuplicateGroups
from sidecar.http.guards.buckets import Buckets
from sidecar.http.reading.batch_uploads import BatchReader
from sidecar.http.reading.feedback import FeedbackReader
from sidecar.http.reading.uploads import ImageReader
from sidecar.images import BUDGET, BatchRules, ImageRules
from sidecar.index import GenerationStore, Lineage, LiveFields, Memtable, Tombstones
from sidecar.index.engines import engine_of
from sidecar.index.sharing.parts import Sharing
from sidecar.ingest.batch import IngestBatch
from sidecar.ingest.similar import SimilarAdds
from sidecar.ingest.single import Ingest
from sidecar.models.keywords import Keywords
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from sidecar.models.version_follower import VersionFollower
from sidecar.operations import Gauges, Health, Inventory, ModelStatus
from sidecar.presence import Presence
from sidecar.search.batch import SearchBatch
from sidecar.search.batch_queries import BatchQueries
from sidecar.search.by_examples import Recommend
from sidecar.search.by_image import Search
from sidecar.search.by_keyword import KeywordSearch
from sidecar.search.compare import Compare
from sidecar.search.example import Examples
from sidecar.search.explain import Explain
from sidecar.search.finder import Finder
from sidecar.search.grouping import GroupFinder
from sidecar.search.identification import Identification
from sidecar.search.matches import Matches
from sidecar.search.view import Views
from sidecar.settings import Settings
from sidecar.tasks.admission import Admission
from sidecar.tasks.candidate import Candidates
from sidecar.tasks.estimate import Estimates
from sidecar.tasks.model_requests import ModelRequests
from sidecar.tasks.preview import Previews
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.scheduler import AutoUpdate, Scheduler
from sidecar.telemetry import multiprocess
from sidecar.volume import host_name
from sidecar.warmup import Warmup


@dataclass(frozen=True)
class Parts:
    """The parts of one process that resources and background use; none is open yet."""

    settings: Settings
    buckets: Buckets
    catalogue: Catalogue
    queue: TaskQueue
    models: ModelRegistry
    warmup: Warmup
    sharing: Sharing | None  # where several hosts share the index
    presence: Presence | None
    versions: VersionFollower | None  # likewise
    # The path of an image.
    image_reader: ImageReader
    batch_reader: BatchReader
    ingest: Ingest
    ingest_batch: IngestBatch
    similar_adds: SimilarAdds
    search: Search
    matches: Matches
    batch_queries: BatchQueries
    search_batch: SearchBatch
    compare: Compare
    explain: Explain
    feedback_reader: FeedbackReader
    recommend: Recommend
    keywords: Keywords
    keyword_search: KeywordSearch
    duplicate_groups: DuplicateGroups
    # Tasks.
    scheduler: Scheduler
    model_requests: ModelRequests
    estimates: Estimates
    previews: Previews
    # How things are.
    inventory: Inventory
    model_status: ModelStatus
    health: Health
    gauges: Gauges

    def open(self) -> None:
        """Opens what requests need.

        Raises:
            OSError: the memory that processes share has no room for the buckets of keys.
            SimilarityError: the catalogue can't be opened, as `Database.open` says.
        """
        self.buckets.open()
        self.catalogue.open()


def make_parts(settings: Settings) -> Parts:
    """Makes the parts; opens, starts and touches nothing.

    Raises:
        CatalogueUnavailable: CATALOGUE_URL names no kind of database.
    """
    repository, data_dir = settings.model_repository, settings.data_dir
    catalogue = catalogue_at(
        settings.database_url,
        settings.task_lease_s,
        settings.keep_tasks_days,
        settings.pictures_store,
    )
    generations = GenerationStore(
        settings.index_dir, Lineage(catalogue.marks), engine_of(settings, catalogue)
    )
    sharing = Sharing.of(settings.index_store, catalogue, generations)
    tombstones = Tombstones(catalogue.removals)
    triton = TritonClient.of(settings)
    models = ModelRegistry(repository, catalogue.models, triton)
    live_max = settings.live_search_max if settings.live_search else 0
    memtable = Memtable(catalogue.new_features, catalogue.removals, live_max)
    views = Views(generations, models, memtable if live_max else None)
    identification = Identification(catalogue.images, views, tombstones)
    finder = Finder(identification, LiveFields(catalogue.metadata), models)
    queue = TaskQueue(settings.redis_url)
    rules = ImageRules(settings.canonical_size, settings.max_image_pixels, settings.max_decode_s)
    BUDGET.limit(settings.max_decode_bytes)
    batch_rules = BatchRules(
        settings.max_image_bytes, settings.max_batch_bytes, settings.max_batch_files
    )
    examples = Examples(catalogue.images, rules)
    ingest = Ingest(catalogue.adds, models, rules, settings.keep_originals)
    admission = Admission(generations, repository)
    candidates = Candidates(catalogue, admission, repository)
    scheduler = Scheduler(
        catalogue, admission, queue, AutoUpdate(settings.auto_update_s, live_max // 2)
    )
    inventory = Inventory(catalogue, generations, live_max, sharing is not None)
    warmup = Warmup(models, tombstones, views)
    follower = sharing.follower if sharing else None
    presence = Presence(catalogue.readers, warmup.opened, data_dir) if sharing else None
    versions = VersionFollower.of(settings, catalogue, lambda: host_name(data_dir))
    engine = None if settings.index_engine == "local" else generations.engine
    health = Health(catalogue, models, queue, warmup.opened, follower, versions, engine)
    search = Search(
        catalogue.images, models, views, finder, GroupFinder(finder, catalogue.metadata), rules
    )
    batch_queries = BatchQueries(examples, models, views)
    return Parts(
        settings=settings,
        buckets=Buckets(multiprocess.folder),
        catalogue=catalogue,
        queue=queue,
        models=models,
        warmup=warmup,
        sharing=sharing,
        presence=presence,
        versions=versions,
        image_reader=ImageReader(settings.max_image_bytes),
        batch_reader=BatchReader(batch_rules, data_dir),
        ingest=ingest,
        ingest_batch=IngestBatch(ingest, catalogue.metadata),
        similar_adds=SimilarAdds(ingest, search, settings.nprob),
        search=search,
        matches=Matches(catalogue.metadata, catalogue.features, catalogue.models, models),
        batch_queries=batch_queries,
        search_batch=SearchBatch(search, batch_queries),
        compare=Compare(examples, models),
        explain=Explain(examples, models),
        feedback_reader=FeedbackReader(examples, settings.max_image_bytes),
        recommend=Recommend(search, examples, models),
        keywords=Keywords(models, rules),
        keyword_search=KeywordSearch(search, identification, models),
        duplicate_groups=DuplicateGroups(catalogue),
        scheduler=scheduler,
        model_requests=ModelRequests(catalogue, admission, scheduler),
        estimates=Estimates(catalogue, candidates, generations, repository, triton),
        previews=Previews(catalogue, candidates, repository, triton),
        inventory=inventory,
        model_status=ModelStatus(catalogue, generations, repository, triton, versions),
        health=health,
        gauges=Gauges(catalogue, inventory, health, repository, data_dir),
    )
