"""Which models made the features of the catalogue, and which one is in use."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from sidecar.catalogue.database import Connections
from sidecar.catalogue.schema import features, models, tasks
from sidecar.catalogue.task import SWITCHES
from sidecar.errors import ModelRefused, ModelReplaced

COLUMNS = (models.c.model, models.c.version, models.c.sha256, models.c.dimension)


@dataclass(frozen=True)
class ModelRecord:
    """A model by what tells it from all others: `sha256` of its file, and its version's number.

    Whoever brings features names their model by all of this. The key `model` alone would not do:
    a version can be retired and come back, under its number or another one, with its file or
    another one, and each time it has a key of its own.
    """

    model: int
    version: int
    sha256: str
    dimension: int


@dataclass(frozen=True)
class Known:
    """The models of one moment: all of them, the one in use, and the one about to come into use."""

    all: frozenset[ModelRecord]
    in_use: ModelRecord | None
    joining: ModelRecord | None


class Models:
    """The models that the catalogue has features of."""

    def __init__(self, database: Connections) -> None:
        self._database = database

    def in_use(self) -> ModelRecord | None:
        """The model that embeds what is added; None before the first was adopted."""
        with self._database.reading() as connection:
            return _one(connection, models.c.in_use)

    def previous(self) -> ModelRecord | None:
        """The model that was in use before, if the catalogue still knows it."""
        before = select(models.c.previous).where(models.c.in_use).scalar_subquery()
        with self._database.reading() as connection:
            return _one(connection, models.c.version == before)

    def joining(self) -> ModelRecord | None:
        """The model that is about to come into use, whose features new images get as well."""
        with self._database.reading() as connection:
            return _one(connection, _joining())

    def known(self) -> Known:
        """Everything that the catalogue knows of models at one moment."""
        with self._database.reading() as connection:
            rows = {ModelRecord(*row) for row in connection.execute(select(*COLUMNS))}
            in_use = _one(connection, models.c.in_use)
            return Known(frozenset(rows), in_use, _one(connection, _joining()))

    def all(self) -> list[ModelRecord]:
        """Every model that the catalogue knows, by version."""
        with self._database.reading() as connection:
            rows = connection.execute(select(*COLUMNS).order_by(models.c.version))
            return [ModelRecord(*row) for row in rows]

    def numbered(self, version: int) -> ModelRecord | None:
        """The model that the catalogue knows by this version's number."""
        with self._database.reading() as connection:
            return _one(connection, models.c.version == version)

    def get(self, sha256: str, version: int | None = None) -> ModelRecord:
        """The recorded model with this file, under this number if one is given.

        Raises:
            ModelRefused: the catalogue knows no such model.
        """
        which = models.c.sha256 == sha256
        number = "" if version is None else f" as version {version}"
        if version is not None:
            which &= models.c.version == version
        with self._database.reading() as connection:
            record = _one(connection, which)
        if record is None:
            text = f"the catalogue knows no model with the SHA-256 {sha256[:12]}…{number}"
            raise ModelRefused(text)
        return record

    def adopt(self, version: int, sha256: str, dimension: int) -> ModelRecord:
        """Take a model into use, unless there is one: the first wins.

        A model under the same number but with another file takes the place of one that has no
        features yet.

        Raises:
            ModelRefused: the catalogue has features of another model under this number.
        """
        with self._database.writing() as connection:
            record = _one(connection, models.c.in_use)
            if record is None or (record.version == version and record.sha256 != sha256):
                record = _registered(connection, version, sha256, dimension)
                use(connection, record)
            return record

    def register(self, version: int, sha256: str, dimension: int) -> ModelRecord:
        """Know a model that is not in use. One under the same number but with another file gives
        way where it has no features.

        Raises:
            ModelRefused: the catalogue has features of another model under this number, or of this
                file under another number.
        """
        with self._database.writing() as connection:
            return _registered(connection, version, sha256, dimension)

    def join(self, record: ModelRecord) -> None:
        """From now on new images get features of this model as well; errors as `check_known`."""
        with self._database.writing() as connection:
            check_known(connection, record)
            connection.execute(update(models).values(joining=models.c.model == record.model))

    def forget(self, version: int) -> None:
        """Know a version no more, unless it is in use or has features."""
        made = select(features.c.seq).where(features.c.model == models.c.model).exists()
        unused = (models.c.version == version) & ~models.c.in_use & ~made
        with self._database.writing() as connection:
            if connection.execute(delete(models).where(unused)).rowcount:
                # Another model may come under this number, which never was in use.
                to_it = models.c.previous == version
                connection.execute(update(models).where(to_it).values(previous=None))

    def retire(self, record: ModelRecord) -> int:
        """Know a model no more, nor the features that adds have brought of it meanwhile; returns of
        how many images. Nothing happens to a model that is in use."""
        unused = (models.c.model == record.model) & ~models.c.in_use
        with self._database.writing() as connection:
            if _one(connection, unused) is None:
                return 0
            left = connection.execute(delete(features).where(features.c.model == record.model))
            connection.execute(delete(models).where(unused))
            return left.rowcount


def known_models(connection: Connection) -> tuple[frozenset[ModelRecord], ModelRecord | None]:
    """All models and the one in use, within a transaction."""
    rows = connection.execute(select(*COLUMNS, models.c.in_use)).all()
    records = {ModelRecord(*row[:-1]): row.in_use for row in rows}
    return frozenset(records), next((one for one, used in records.items() if used), None)


def check_known(connection: Connection, record: ModelRecord) -> None:
    """Raises ModelReplaced unless the catalogue still knows the model as this record has it."""
    if _one(connection, models.c.model == record.model) != record:
        raise ModelReplaced(
            f"the catalogue no longer knows version {record.version} "
            f"(SHA-256 {record.sha256[:12]}…): it was retired or replaced meanwhile"
        )


def use(connection: Connection, record: ModelRecord) -> None:
    """Take a model into use in place of the one before, within a transaction; errors as
    `check_known`."""
    check_known(connection, record)
    before = _one(connection, models.c.in_use)
    connection.execute(update(models).values(in_use=models.c.model == record.model, joining=False))
    if before is not None and before != record:
        used = models.c.model == record.model
        connection.execute(update(models).where(used).values(previous=before.version))


def _joining() -> ColumnElement[bool]:
    unfinished = select(tasks.c.task_id).where(tasks.c.finished_at.is_(None))
    switching = unfinished.where(tasks.c.kind.in_(SWITCHES)).exists()
    return models.c.joining & ~models.c.in_use & switching


def _one(connection: Connection, which: ColumnElement[bool]) -> ModelRecord | None:
    row = connection.execute(select(*COLUMNS).where(which)).one_or_none()
    return None if row is None else ModelRecord(*row)


def _registered(connection: Connection, version: int, sha256: str, dimension: int) -> ModelRecord:
    """The record of a model, which is made, under a new key, where there is none."""
    _refuse_twin(connection, version, sha256)
    record = _one(connection, models.c.version == version)
    if record is not None and record.sha256 != sha256:
        _discard_unused(connection, record)
        record = None
    if record is None:
        row = {"version": version, "sha256": sha256, "dimension": dimension}
        connection.execute(insert(models).values(**row, in_use=False))
        record = _one(connection, models.c.version == version)
    assert record is not None
    return record


def _refuse_twin(connection: Connection, version: int, sha256: str) -> None:
    """One file has one number: a generation of the index names its model by both."""
    twin = _one(connection, (models.c.sha256 == sha256) & (models.c.version != version))
    if twin is not None:
        raise ModelRefused(f"version {version} is the same file as version {twin.version}")


def _discard_unused(connection: Connection, record: ModelRecord) -> None:
    made = select(features.c.seq).where(features.c.model == record.model).limit(1)
    if connection.execute(made).first() is not None:
        raise ModelRefused(
            f"version {record.version} in the model repository is not the model that the catalogue "
            f"was made with (its model.onnx had the SHA-256 {record.sha256[:12]}…): put that file "
            "back, and give another model a number of its own"
        )
    connection.execute(delete(models).where(models.c.model == record.model))
