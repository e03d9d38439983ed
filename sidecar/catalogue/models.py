"""Which models made the features of the catalogue, and which one is in use."""

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from sidecar.catalogue import model_rows as rows
from sidecar.catalogue.database import Connections
from sidecar.catalogue.duplicates import pair_rows
from sidecar.catalogue.model_rows import COLUMNS, ModelRecord
from sidecar.catalogue.schema import features, models
from sidecar.errors import ModelRefused


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
        """Returns the model that embeds new images; None before the first was adopted."""
        with self._database.reading() as connection:
            return rows.find(connection, models.c.in_use)

    def previous(self) -> ModelRecord | None:
        """Returns the model that was in use before, if the catalogue still knows it."""
        before = select(models.c.previous).where(models.c.in_use).scalar_subquery()
        with self._database.reading() as connection:
            return rows.find(connection, models.c.version == before)

    def joining(self) -> ModelRecord | None:
        """Returns the model that is about to come into use, whose features new images get as
        well."""
        with self._database.reading() as connection:
            return rows.find(connection, rows.is_joining())

    def known(self) -> Known:
        """Returns everything that the catalogue knows of models at one moment."""
        with self._database.reading() as connection:
            every, in_use = rows.known(connection)
            return Known(every, in_use, rows.find(connection, rows.is_joining()))

    def all(self) -> list[ModelRecord]:
        """Returns every model that the catalogue knows, by version."""
        with self._database.reading() as connection:
            found = connection.execute(select(*COLUMNS).order_by(models.c.version))
            return [ModelRecord(*row) for row in found]

    def numbered(self, version: int) -> ModelRecord | None:
        """Returns the model that the catalogue knows by this version's number."""
        with self._database.reading() as connection:
            return rows.find(connection, models.c.version == version)

    def get(self, sha256: str, version: int | None = None) -> ModelRecord:
        """Returns the model with this file, under this number if one is given.

        Raises:
            ModelRefused: the catalogue knows no such model.
        """
        which = models.c.sha256 == sha256
        number = "" if version is None else f" as version {version}"
        if version is not None:
            which &= models.c.version == version
        with self._database.reading() as connection:
            record = rows.find(connection, which)
        if record is None:
            text = f"the catalogue knows no model with the SHA-256 {sha256[:12]}…{number}"
            raise ModelRefused(text)
        return record

    def adopt(self, version: int, sha256: str, dimension: int) -> ModelRecord:
        """Takes a model into use, unless there is one: the first wins.

        A model under the same number but with another file takes the place of one that has no
        features yet.

        Raises:
            ModelRefused: the catalogue has features of another model under this number.
        """
        with self._database.writing() as connection:
            record = rows.find(connection, models.c.in_use)
            if record is None or (record.version == version and record.sha256 != sha256):
                record = rows.register(connection, version, sha256, dimension)
                rows.use(connection, record)
            return record

    def register(self, version: int, sha256: str, dimension: int) -> ModelRecord:
        """Makes a model known without taking it into use. One under the same number but with
        another file gives way where it has no features.

        Raises:
            ModelRefused: the catalogue has features of another model under this number, or knows
                this file under another number.
        """
        with self._database.writing() as connection:
            return rows.register(connection, version, sha256, dimension)

    def join(self, record: ModelRecord) -> None:
        """From now on has new images get features of this model too; errors as `check_known`."""
        with self._database.writing() as connection:
            rows.check_known(connection, record)
            connection.execute(update(models).values(joining=models.c.model == record.model))

    def forget(self, version: int) -> None:
        """Forgets a version, unless it is in use or has features."""
        has_features = select(features.c.seq).where(features.c.model == models.c.model).exists()
        unused = (models.c.version == version) & ~models.c.in_use & ~has_features
        with self._database.writing() as connection:
            if connection.execute(delete(models).where(unused)).rowcount:
                # Another model may come under this number, which never was in use.
                to_it = models.c.previous == version
                connection.execute(update(models).where(to_it).values(previous=None))

    def retire(self, record: ModelRecord) -> int:
        """Forgets a model, and the features that adds have brought of it meanwhile. Nothing happens
        to a model that is in use.

        Returns:
            of how many images there were such features.
        """
        unused = (models.c.model == record.model) & ~models.c.in_use
        with self._database.writing() as connection:
            if rows.find(connection, unused) is None:
                return 0
            left = connection.execute(delete(features).where(features.c.model == record.model))
            pair_rows.forget(connection, record.model)
            connection.execute(delete(models).where(unused))
            return left.rowcount
