"""The tables of the catalogue, as the newest migration leaves them.

JPEGs (`pictures`), originals and features stand apart from images, so that walking over ids reads
no blobs.

A sequence number (`seq`, `removal`) is never used twice, even after its row is gone: generations of
the index name images by it, and an image that takes another's place gets a number of its own. Nor
is the key of a model: a process may still have features on their way that were made for it.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
)

from sidecar.catalogue.task import TaskState

metadata = MetaData()


def named(column: Column[str], text: str) -> ColumnElement[bool]:
    """Holds of the rows with this text in a column; of none where the text holds a NUL, which
    PostgreSQL can't store and refuses to be asked for."""
    return false() if "\0" in text else column == text


# SQLite numbers rows only by columns of the type INTEGER, which holds 64 bits there.
Number = BigInteger().with_variant(Integer, "sqlite")

images = Table(
    "images",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=True),
    Column("id", String(255), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),  # of the upload, to tell a retry from a clash
    Column("added_at", Float, nullable=False),  # seconds since 1970, UTC
    Column("crc", BigInteger),  # of the row: see row_checksums.py
    sqlite_autoincrement=True,
)

pictures = Table(
    "pictures",
    metadata,
    Column("seq", Number, ForeignKey("images.seq"), primary_key=True),
    Column("jpeg", LargeBinary, nullable=False),  # canonical; empty where an object has it
    Column("crc", BigInteger, nullable=False),  # CRC-32 of it, wherever it is
    Column("object", String(128)),  # its name in PICTURES_STORE: see picture_objects.py
    Column("bytes", BigInteger),  # of the object
)

originals = Table(
    "originals",
    metadata,
    Column("seq", Number, ForeignKey("images.seq"), primary_key=True),
    Column("upload", LargeBinary, nullable=False),  # where it is not the canonical JPEG itself
    Column("object", String(128)),  # likewise
    Column("bytes", BigInteger),
)

# Objects that a row has named, until they are deleted: see unnamed.py.
unnamed_objects = Table(
    "unnamed_objects",
    metadata,
    Column("object", String(128), primary_key=True),
    Column("since", Float, nullable=False),  # by the database's clock
)

models = Table(
    "models",
    metadata,
    Column("model", Integer, primary_key=True),
    Column("version", Integer, nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("in_use", Boolean, nullable=False),
    # About to come into use: new images get its features, too, while a task for it is unfinished.
    Column("joining", Boolean, nullable=False, server_default=false()),
    Column("previous", Integer),  # the version that it replaced: where a rollback goes
    Column("crc", BigInteger),  # of the row, but for what changes: see row_checksums.py
    sqlite_autoincrement=True,
)

features = Table(
    "features",
    metadata,
    Column("seq", Number, ForeignKey("images.seq"), primary_key=True),
    Column("model", Integer, ForeignKey("models.model"), primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float16 [D], little-endian
    Column("crc", BigInteger, nullable=False),  # CRC-32 of it
    Column("keywords", LargeBinary),  # see keyword_rows.py; null where they were not made yet
)

# Only where keywords are missing, so it is empty but for catalogues of an older release, and an add
# does not write it.
unlabelled = features.c.keywords.is_(None)
features_unlabelled = Index(
    "features_unlabelled", features.c.model, features.c.seq, sqlite_where=unlabelled
)  # postgresql.py says the same for PostgreSQL

# What users say of their images, one row an image. Each change of it is a new row, with a number
# that is never used twice: who has read up to a number reads on from there.
image_metadata = Table(
    "metadata",
    metadata,
    Column("change", Number, primary_key=True, autoincrement=True),
    Column("seq", BigInteger, nullable=False, unique=True),  # may be that of an image that is gone
    Column("document", String, nullable=False),  # a JSON object
    Column("crc", BigInteger, nullable=False),  # of the row: see row_checksums.py
    sqlite_autoincrement=True,
)

# Features in doubt: another model may have made them. The task `mend` embeds their images again and
# strikes them off; those that it has mended stay until the index has followed.
suspects = Table(
    "suspects",
    metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("model", Integer, primary_key=True, autoincrement=False),
    Column("mended", Boolean, nullable=False, server_default=false()),
)

# Tombstones: what a generation of the index may still hold and a search must leave out.
removals = Table(
    "removals",
    metadata,
    Column("removal", Number, primary_key=True, autoincrement=True),
    Column("seq", Number, nullable=False),  # of an image that is gone
    Column("removed_at", Float, nullable=False),
    Column("crc", BigInteger),  # of the row: see row_checksums.py
    sqlite_autoincrement=True,
)

# Pairs of images that may be the same one; a is the older. Of many with the same bytes the first
# stands for all: each other one has a pair with it, of the kind "identical", and no more.
duplicate_pairs = Table(
    "duplicate_pairs",
    metadata,
    Column("a", Number, primary_key=True, autoincrement=False),
    Column("b", Number, primary_key=True, autoincrement=False),
    Column("model", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),  # see duplicate_kinds.py
    Column("probability", Float, nullable=False),  # 0..1
)
duplicate_pairs_b = Index("duplicate_pairs_b", duplicate_pairs.c.b)

# How far the images of a model have been compared with all others.
duplicate_runs = Table(
    "duplicate_runs",
    metadata,
    Column("model", Integer, primary_key=True, autoincrement=False),
    Column("reached", BigInteger, nullable=False),  # every seq up to this one
    Column("recall", Float),  # recall@10 of the last run that ended
    Column("ended_at", Float),  # when that was; null before the first
)

# What users decided about two images. Each change is a new row, as in `metadata`.
duplicate_decisions = Table(
    "duplicate_decisions",
    metadata,
    Column("change", Number, primary_key=True, autoincrement=True),
    Column("a", BigInteger, nullable=False),  # the older
    Column("b", BigInteger, nullable=False),
    Column("decision", String(16), nullable=False),  # see duplicate_kinds.py
    Column("decided_at", Float, nullable=False),
    Column("crc", BigInteger, nullable=False),  # of the row: see row_checksums.py
    UniqueConstraint("a", "b"),
    sqlite_autoincrement=True,
)
duplicate_decisions_b = Index("duplicate_decisions_b", duplicate_decisions.c.b)

# Generations of the index in the object store (INDEX_STORE), where several hosts share it. The
# newest that is published is the one to search; one without a digest says that there is none.
generations = Table(
    "generations",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("digest", String(64)),  # SHA-256 of its manifest, which is its meta.json
    Column("sha256", String(64)),  # of its model
    Column("mark", String(36)),  # as in the manifest, and so are
    Column("removals", BigInteger, nullable=False),
    Column("published_at", Float),  # null: a draft, on its way to the hosts
)

# Which generation each process that searches has open, written every few seconds.
readers = Table(
    "readers",
    metadata,
    Column("process", String(36), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("generation", BigInteger, nullable=False),  # 0 for none
    Column("draft", String(64)),  # the digest of the draft that it has open, if any
    Column("seen_at", Float, nullable=False),  # by the database's clock
)

# Versions of the model in the object store. One that was taken out stays as a row, so that no host
# brings it back.
shared_versions = Table(
    "shared_versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of its manifest
    Column("host", String(255), nullable=False),  # which has published it
    Column("change", String(36), nullable=False),  # a word for the last change of the row
    Column("moved_to", String(16)),  # the folder into which every host puts it away; null: none
)

# A word for each moment at which a task looked: a catalogue that has the mark of a generation has
# everything that the generation was made of.
marks = Table(
    "marks",
    metadata,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("mark", String(36), nullable=False, unique=True),
    sqlite_autoincrement=True,
)

# What is true of the catalogue as a whole, one row a name.
facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", String(36), primary_key=True),
    # Counts requests: clocks may be set back. Null for a moment in what the release before writes.
    Column("number", BigInteger, index=True, unique=True),
    Column("kind", String(16), nullable=False),  # see task.py
    Column("version", Integer),  # of the model that it is for; None for the model in use
    Column("state", String(16), nullable=False, index=True),  # see task.py
    Column("phase", String(32), nullable=False, default=TaskState.WAITING),
    Column("progress", Float, nullable=False, default=0.0),  # 0..1
    Column("message", String(64)),  # the error word, where it failed
    Column("detail", String),
    Column("attempt", Integer, nullable=False, default=0),  # the fencing token
    Column("lost", Integer, nullable=False, server_default="0"),  # attempts whose worker was lost
    # A training or an update went first since this task last ran: now its turn comes before theirs.
    Column("overtaken", Boolean, nullable=False, server_default=false()),
    Column("snapshot", BigInteger),  # the largest seq that the task looks at
    Column("removals", BigInteger),  # the largest removal that the task knows of
    Column("changes", BigInteger),  # the largest change of metadata that the task knows of
    Column("mark", String(36)),  # of the moment at which it looked
    Column("lease_until", Float),  # by the database's clock; 0 where the worker is known dead
    Column("generation", Integer),
    Column("images", Integer),  # in the generation that it published
    Column("report", JSON(none_as_null=True)),  # see reports.py
    Column("request_id", String(64)),  # of the request for it
    Column("created_at", Float, nullable=False, index=True),
    Column("finished_at", Float),
)
