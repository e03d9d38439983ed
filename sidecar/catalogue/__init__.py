"""Everything durable in one database: every image, its features, and every task.

This package is the one door to SQLAlchemy, Alembic and psycopg; their objects do not leave it.
"""

from sidecar.catalogue.adds import Adds
from sidecar.catalogue.catalogue import (
    Catalogue,
    catalogue_at,
    migrate_catalogue,
    open_catalogue,
)
from sidecar.catalogue.claimed_tasks import Publication, Tasks
from sidecar.catalogue.contents.moves import Moved
from sidecar.catalogue.contents.unnamed import ROUND_S as SWEEP_ROUND_S
from sidecar.catalogue.copies import HOLDS_IMAGES
from sidecar.catalogue.dialects.dialect import FeatureRow, Seen
from sidecar.catalogue.duplicates.decisions import Decisions
from sidecar.catalogue.duplicates.kinds import PROBABLE, Decision, DuplicateKind, kind_of
from sidecar.catalogue.duplicates.pairs import DuplicateImage, DuplicateRun, Duplicates, Pair
from sidecar.catalogue.features.bulk import Features, Page, StoredImage
from sidecar.catalogue.features.keyword_pages import KeywordPage
from sidecar.catalogue.features.keyword_rows import DIGITS, NO_KEYWORDS, TopKeywords, top
from sidecar.catalogue.features.keywords import Unlabelled
from sidecar.catalogue.features.since import NewFeatures, NewRow, NewRows
from sidecar.catalogue.hosts.generations import Generations, Shared
from sidecar.catalogue.hosts.readers import SEEN_S, Reader, Readers
from sidecar.catalogue.hosts.versions import SharedVersion, SharedVersions
from sidecar.catalogue.images import Described, ImageRecord, Images, Upload
from sidecar.catalogue.last_backup import BackupMade
from sidecar.catalogue.lookups import Stored
from sidecar.catalogue.marks import Marks
from sidecar.catalogue.metadata import Change, Metadata
from sidecar.catalogue.model_rows import ModelRecord
from sidecar.catalogue.models import Models
from sidecar.catalogue.new_image import NewImage
from sidecar.catalogue.newcomers import Unlike
from sidecar.catalogue.picture_objects import ROUND_S as LOOK_ROUND_S
from sidecar.catalogue.removals import Removals, Removed, Tombstone
from sidecar.catalogue.reports import (
    Agreement,
    DuplicatesProgress,
    DuplicatesReport,
    EmbeddingProgress,
    FillingReport,
    IndexReport,
    MendingProgress,
    MendingReport,
    Progress,
    RetirementReport,
    SwitchReport,
    to_json,
)
from sidecar.catalogue.summary import KnownModel, Summary, Totals
from sidecar.catalogue.suspects import StoredFeatures, Suspects
from sidecar.catalogue.task import (
    OF_VERSIONS,
    SHORT,
    SWITCHES,
    UNFINISHED,
    Task,
    TaskKind,
    TaskState,
)
from sidecar.catalogue.transaction import Transaction

__all__ = [
    "DIGITS",
    "HOLDS_IMAGES",
    "LOOK_ROUND_S",
    "NO_KEYWORDS",
    "OF_VERSIONS",
    "PROBABLE",
    "SEEN_S",
    "SHORT",
    "SWEEP_ROUND_S",
    "SWITCHES",
    "UNFINISHED",
    "Adds",
    "Agreement",
    "BackupMade",
    "Catalogue",
    "Change",
    "Decision",
    "Decisions",
    "Described",
    "DuplicateImage",
    "DuplicateKind",
    "DuplicateRun",
    "Duplicates",
    "DuplicatesProgress",
    "DuplicatesReport",
    "EmbeddingProgress",
    "FeatureRow",
    "Features",
    "FillingReport",
    "Generations",
    "ImageRecord",
    "Images",
    "IndexReport",
    "KeywordPage",
    "KnownModel",
    "Marks",
    "MendingProgress",
    "MendingReport",
    "Metadata",
    "ModelRecord",
    "Models",
    "Moved",
    "NewFeatures",
    "NewImage",
    "NewRow",
    "NewRows",
    "Page",
    "Pair",
    "Progress",
    "Publication",
    "Reader",
    "Readers",
    "Removals",
    "Removed",
    "RetirementReport",
    "Seen",
    "Shared",
    "SharedVersion",
    "SharedVersions",
    "Stored",
    "StoredFeatures",
    "StoredImage",
    "Summary",
    "Suspects",
    "SwitchReport",
    "Task",
    "TaskKind",
    "TaskState",
    "Tasks",
    "Tombstone",
    "TopKeywords",
    "Totals",
    "Transaction",
    "Unlabelled",
    "Unlike",
    "Upload",
    "catalogue_at",
    "kind_of",
    "migrate_catalogue",
    "open_catalogue",
    "to_json",
    "top",
]
