"""Which models made the features of the catalogue, and which one is in use."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from sidecar.catalogue.database import Database
from sidecar.catalogue.schema import features, models
from sidecar.errors import ModelRefused


@dataclass(frozen=True)
class ModelRecord:
    """A model by what tells it from all others: `sha256` of its file, and its version's number."""

    model: int
    version: int
    sha256: str
    dimension: int


class Models:
    """The models that the catalogue has features of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def in_use(self) -> ModelRecord | None:
        """The model that embeds what is added; None before the first was adopted."""
        with self._database.reading() as connection:
            return _one(connection, models.c.in_use)

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
            record = _one(connection, models.c.in_use)
            if record is not None and record.sha256 != sha256:
                _discard_unused(connection, record)
                record = None
            if record is None:
                row = {"version": version, "sha256": sha256, "dimension": dimension}
                connection.execute(insert(models).values(**row, in_use=True))
                record = _one(connection, models.c.in_use)
            assert record is not None
            return record


def _one(connection: Connection, which: ColumnElement[bool]) -> ModelRecord | None:
    columns = (models.c.model, models.c.version, models.c.sha256, models.c.dimension)
    row = connection.execute(select(*columns).where(which)).one_or_none()
    return None if row is None else ModelRecord(*row)


def _discard_unused(connection: Connection, record: ModelRecord) -> None:
    made = select(func.count()).where(features.c.model == record.model)
    if connection.execute(made).scalar_one():
        raise ModelRefused(
            f"version {record.version} in the model repository is not the model that the catalogue "
            f"was made with (its model.onnx had the SHA-256 {record.sha256[:12]}…): put that file "
            "back, and give another model a number of its own"
        )
    connection.execute(delete(models).where(models.c.model == record.model))
