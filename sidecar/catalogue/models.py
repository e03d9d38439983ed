"""Which models made the features of the catalogue, and which one is in use."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from sidecar.catalogue.database import Connections
from sidecar.catalogue.schema import features, models, tasks
from sidecar.catalogue.task import SWITCHES
from sidecar.errors import ModelRefused

COLUMNS = (models.c.model, models.c.version, models.c.sha256, models.c.dimension)


@dataclass(frozen=True)
class ModelRecord:
    """A model by what tells it from all others: `sha256` of its file, and its version's number."""

    model: int
    version: int
    sha256: str
    dimension: int


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
        unfinished = select(tasks.c.task_id).where(tasks.c.finished_at.is_(None))
        switching = unfinished.where(tasks.c.kind.in_(SWITCHES)).exists()
        with self._database.reading() as connection:
            return _one(connection, models.c.joining & ~models.c.in_use & switching)

    def all(self) -> list[ModelRecord]:
        """Every model that the catalogue knows, by version."""
        with self._database.reading() as connection:
            rows = connection.execute(select(*COLUMNS).order_by(models.c.version))
            return [ModelRecord(*row) for row in rows]

    def numbered(self, version: int) -> ModelRecord | None:
        """The model that the catalogue knows by this version's number."""
        with self._database.reading() as connection:
            return _one(connection, models.c.version == version)

    def get(self, sha256: str) -> ModelRecord:
        """The recorded model with this file.

        Raises:
            ModelRefused: the catalogue knows no such model.
        """
        with self._database.reading() as connection:
            record = _one(connection, models.c.sha256 == sha256)
        if record is None:
            raise ModelRefused(f"the catalogue knows no model with the SHA-256 {sha256[:12]}…")
        return record

    def adopt(self, version: int, sha256: str, dimension: int) -> ModelRecord:
        """Take a model into use, unless there is one: the first wins.

        A model under the same number but with another file takes the place of one that has no
        features yet.

        Raises:
            ModelRefused: the catalogue has features of another model under this number.
        """
        with self._database.writing() as connection:
            return _known(connection, models.c.in_use, (version, sha256, dimension), in_use=True)

    def register(self, version: int, sha256: str, dimension: int) -> ModelRecord:
        """Know a model that is not in use. One under the same number but with another file gives
        way where it has no features.

        Raises:
            ModelRefused: the catalogue has features of another model under this number.
        """
        with self._database.writing() as connection:
            numbered = models.c.version == version
            return _known(connection, numbered, (version, sha256, dimension), in_use=False)

    def join(self, record: ModelRecord) -> None:
        """From now on new images get features of this model as well."""
        with self._database.writing() as connection:
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


def use(connection: Connection, record: ModelRecord) -> None:
    """Take a model into use in place of the one before, within a transaction."""
    before = _one(connection, models.c.in_use)
    connection.execute(update(models).values(in_use=models.c.model == record.model, joining=False))
    if before is not None and before != record:
        used = models.c.model == record.model
        connection.execute(update(models).where(used).values(previous=before.version))


def _one(connection: Connection, which: ColumnElement[bool]) -> ModelRecord | None:
    row = connection.execute(select(*COLUMNS).where(which)).one_or_none()
    return None if row is None else ModelRecord(*row)


def _known(
    connection: Connection, which: ColumnElement[bool], model: tuple[int, str, int], in_use: bool
) -> ModelRecord:
    """The record of a model (version, SHA-256, dimension), which is made where there is none."""
    version, sha256, dimension = model
    record = _one(connection, which)
    if record is not None and record.sha256 != sha256:
        _discard_unused(connection, record)
        record = None
    if record is None:
        row = {"version": version, "sha256": sha256, "dimension": dimension}
        connection.execute(insert(models).values(**row, in_use=in_use))
        record = _one(connection, models.c.version == version)
    assert record is not None
    return record


def _discard_unused(connection: Connection, record: ModelRecord) -> None:
    made = select(func.count()).where(features.c.model == record.model)
    if connection.execute(made).scalar_one():
        raise ModelRefused(
            f"version {record.version} in the model repository is not the model that the catalogue "
            f"was made with (its model.onnx had the SHA-256 {record.sha256[:12]}…): put that file "
            "back, and give another model a number of its own"
        )
    connection.execute(delete(models).where(models.c.model == record.model))
