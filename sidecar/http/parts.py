"""The parts of the service, and how they are put together.

Each is made once, when it is first asked for: with the routes and what runs in the background.
"""

from functools import cached_property

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


class Parts:
    """The parts of one process that resources and background use; making them opens, starts and
    touches nothing.

    Raises:
        CatalogueUnavailable: when the catalogue is asked for, and CATALOGUE_URL names no kind of
            database.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def open(self) -> None:
        """Opens what requests need.

        Raises:
            OSError: the memory that processes share has no room for the buckets of keys.
            SimilarityError: the catalogue can't be opened, as `Database.open` says.
        """
        self.buckets.open()
        self.catalogue.open()

    @cached_property
    def buckets(self) -> Buckets:
        return Buckets(multiprocess.folder)

    @cached_property
    def catalogue(self) -> Catalogue:
        settings = self.settings
        return catalogue_at(
            settings.database_url,
            settings.task_lease_s,
            settings.keep_tasks_days,
            settings.pictures_store,
        )

    @cached_property
    def queue(self) -> TaskQueue:
        return TaskQueue(self.settings.redis_url)

    @cached_property
    def triton(self) -> TritonClient:
        return TritonClient.of(self.settings)

    @cached_property
    def models(self) -> ModelRegistry:
        return ModelRegistry(self.settings.model_repository, self.catalogue.models, self.triton)

    # The index, and what several hosts share.

    @cached_property
    def generations(self) -> GenerationStore:
        engine = engine_of(self.settings, self.catalogue)
        return GenerationStore(self.settings.index_dir, Lineage(self.catalogue.marks), engine)

    @cached_property
    def tombstones(self) -> Tombstones:
        return Tombstones(self.catalogue.removals)

    @cached_property
    def live_max(self) -> int:
        """How many images of no generation a search looks through."""
        return self.settings.live_search_max if self.settings.live_search else 0

    @cached_property
    def views(self) -> Views:
        most, catalogue = self.live_max, self.catalogue
        memtable = Memtable(catalogue.new_features, catalogue.removals, most) if most else None
        return Views(self.generations, self.models, memtable)

    @cached_property
    def warmup(self) -> Warmup:
        return Warmup(self.models, self.tombstones, self.views)

    @cached_property
    def sharing(self) -> Sharing | None:
        return Sharing.of(self.settings.index_store, self.catalogue, self.generations)

    @cached_property
    def presence(self) -> Presence | None:
        if self.sharing is None:
            return None
        return Presence(self.catalogue.readers, self.warmup.opened, self.settings.data_dir)

    @cached_property
    def versions(self) -> VersionFollower | None:
        folder = self.settings.data_dir
        return VersionFollower.of(self.settings, self.catalogue, lambda: host_name(folder))

    # The path of an image.

    @cached_property
    def rules(self) -> ImageRules:
        settings = self.settings
        BUDGET.limit(settings.max_decode_bytes)
        return ImageRules(settings.canonical_size, settings.max_image_pixels, settings.max_decode_s)

    @cached_property
    def image_reader(self) -> ImageReader:
        return ImageReader(self.settings.max_image_bytes)

    @cached_property
    def batch_reader(self) -> BatchReader:
        settings = self.settings
        rules = BatchRules(
            settings.max_image_bytes, settings.max_batch_bytes, settings.max_batch_files
        )
        return BatchReader(rules, settings.data_dir)

    @cached_property
    def feedback_reader(self) -> FeedbackReader:
        return FeedbackReader(self.examples, self.settings.max_image_bytes)

    @cached_property
    def ingest(self) -> Ingest:
        return Ingest(self.catalogue.adds, self.models, self.rules, self.settings.keep_originals)

    @cached_property
    def ingest_batch(self) -> IngestBatch:
        return IngestBatch(self.ingest, self.catalogue.metadata)

    @cached_property
    def similar_adds(self) -> SimilarAdds:
        return SimilarAdds(self.ingest, self.search, self.settings.nprob)

    @cached_property
    def examples(self) -> Examples:
        return Examples(self.catalogue.images, self.rules)

    @cached_property
    def identification(self) -> Identification:
        return Identification(self.catalogue.images, self.views, self.tombstones)

    @cached_property
    def search(self) -> Search:
        metadata = self.catalogue.metadata
        finder = Finder(self.identification, LiveFields(metadata), self.models)
        groups = GroupFinder(finder, metadata)
        return Search(self.catalogue.images, self.models, self.views, finder, groups, self.rules)

    @cached_property
    def matches(self) -> Matches:
        catalogue = self.catalogue
        return Matches(catalogue.metadata, catalogue.features, catalogue.models, self.models)

    @cached_property
    def batch_queries(self) -> BatchQueries:
        return BatchQueries(self.examples, self.models, self.views)

    @cached_property
    def search_batch(self) -> SearchBatch:
        return SearchBatch(self.search, self.batch_queries)

    @cached_property
    def recommend(self) -> Recommend:
        return Recommend(self.search, self.examples, self.models)

    @cached_property
    def keyword_search(self) -> KeywordSearch:
        return KeywordSearch(self.search, self.identification, self.models)

    @cached_property
    def compare(self) -> Compare:
        return Compare(self.examples, self.models)

    @cached_property
    def explain(self) -> Explain:
        return Explain(self.examples, self.models)

    @cached_property
    def keywords(self) -> Keywords:
        return Keywords(self.models, self.rules)

    @cached_property
    def duplicate_groups(self) -> DuplicateGroups:
        return DuplicateGroups(self.catalogue)

    # Tasks.

    @cached_property
    def admission(self) -> Admission:
        return Admission(self.generations, self.settings.model_repository)

    @cached_property
    def scheduler(self) -> Scheduler:
        updates = AutoUpdate(self.settings.auto_update_s, self.live_max // 2)
        return Scheduler(self.catalogue, self.admission, self.queue, updates)

    @cached_property
    def model_requests(self) -> ModelRequests:
        return ModelRequests(self.catalogue, self.admission, self.scheduler)

    @cached_property
    def candidates(self) -> Candidates:
        return Candidates(self.catalogue, self.admission, self.settings.model_repository)

    @cached_property
    def estimates(self) -> Estimates:
        repository = self.settings.model_repository
        return Estimates(self.catalogue, self.candidates, self.generations, repository, self.triton)

    @cached_property
    def previews(self) -> Previews:
        repository = self.settings.model_repository
        return Previews(self.catalogue, self.candidates, repository, self.triton)

    # How things are.

    @cached_property
    def inventory(self) -> Inventory:
        is_shared = self.sharing is not None
        return Inventory(self.catalogue, self.generations, self.live_max, is_shared)

    @cached_property
    def model_status(self) -> ModelStatus:
        repository = self.settings.model_repository
        return ModelStatus(self.catalogue, self.generations, repository, self.triton, self.versions)

    @cached_property
    def health(self) -> Health:
        follower = self.sharing.follower if self.sharing else None
        engine = None if self.settings.index_engine == "local" else self.generations.engine
        opened = self.warmup.opened
        return Health(
            self.catalogue, self.models, self.queue, opened, follower, self.versions, engine
        )

    @cached_property
    def gauges(self) -> Gauges:
        settings = self.settings
        repository, data_dir = settings.model_repository, settings.data_dir
        return Gauges(self.catalogue, self.inventory, self.health, repository, data_dir)
