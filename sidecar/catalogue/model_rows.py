"""The rows of the table of models, within a transaction."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from sidecar.catalogue.row_checksums import checksum
from sidecar.catalogue.schema import features, models, tasks
from sidecar.catalogue.task import SWITCHES
from sidecar.errors import ModelRefused, ModelReplaced

COLUMNS = (models.c.model, models.c.version, models.c.sha256, models.c.dimension)


@dataclass(frozen=True)
class ModelRecord:
    """A model by what distinguishes it from all others: its version's number and the `sha256` of
    its file.

    Features that come in name their model by all of this. The key `model` alone would not do: a
    version can be retired and come back, under its number or another one, with its file or another
    one, and each time it has a key of its own.
    """

    model: int
    version: int
    sha256: str
    dimension: int


def find(connection: Connection, which: ColumnElement[bool]) -> ModelRecord | None:
    """Returns the one model of which this holds, if there is one."""
    row = connection.execute(select(*COLUMNS).where(which)).one_or_none()
    return None if row is None else ModelRecord(*row)


def known(connection: Connection) -> tuple[frozenset[ModelRecord], ModelRecord | None]:
    """Returns all models and the one in use."""
    rows = connection.execute(select(*COLUMNS, models.c.in_use)).all()
    records = {ModelRecord(*row[:-1]): row.in_use for row in rows}
    return frozenset(records), next((one for one, used in records.items() if used), None)


def is_joining() -> ColumnElement[bool]:
    """Holds of the model that is about to come into use, while a task for it is unfinished."""
    unfinished = select(tasks.c.task_id).where(tasks.c.finished_at.is_(None))
    switching = unfinished.where(tasks.c.kind.in_(SWITCHES)).exists()
    return models.c.joining & ~models.c.in_use & switching


def check_known(connection: Connection, record: ModelRecord) -> None:
    """Raises ModelReplaced unless the catalogue still knows the model as this record has it."""
    if find(connection, models.c.model == record.model) != record:
        raise ModelReplaced(
            f"the catalogue no longer knows version {record.version} "
            f"(SHA-256 {record.sha256[:12]}…): it was retired or replaced meanwhile"
        )


def use(connection: Connection, record: ModelRecord) -> None:
    """Takes a model into use in place of the one before; errors as `check_known`."""
    check_known(connection, record)
    before = find(connection, models.c.in_use)
    connection.execute(update(models).values(in_use=models.c.model == record.model, joining=False))
    if before is not None and before != record:
        used = models.c.model == record.model
        connection.execute(update(models).where(used).values(previous=before.version))


def register(connection: Connection, version: int, sha256: str, dimension: int) -> ModelRecord:
    """Returns the record of a model, which is inserted under a new key where there is none.

    Raises:
        ModelRefused: the catalogue has features of another model under this number, or knows this
            file under another number.
    """
    _refuse_twin(connection, version, sha256)
    record = find(connection, models.c.version == version)
    if record is not None and record.sha256 != sha256:
        _discard_unused(connection, record)
        record = None
    if record is None:
        row = {"version": version, "sha256": sha256, "dimension": dimension}
        connection.execute(insert(models).values(**row, in_use=False))
        record = find(connection, models.c.version == version)
        assert record is not None
        crc = checksum(record.model, version, sha256, dimension)
        connection.execute(update(models).where(models.c.version == version).values(crc=crc))
    return record


def _refuse_twin(connection: Connection, version: int, sha256: str) -> None:
    """Refuses a second number for one file: a generation of the index names its model by both."""
    twin = find(connection, (models.c.sha256 == sha256) & (models.c.version != version))
    if twin is not None:
        raise ModelRefused(f"version {version} is the same file as version {twin.version}")


def _discard_unused(connection: Connection, record: ModelRecord) -> None:
    """Deletes a model, or refuses where it has features."""
    of_model = select(features.c.seq).where(features.c.model == record.model).limit(1)
    if connection.execute(of_model).first() is not None:
        raise ModelRefused(
            f"version {record.version} in the model repository is not the model that the catalogue "
            f"was made with (its model.onnx had the SHA-256 {record.sha256[:12]}…): put that file "
            "back, and give another model a number of its own"
        )
    connection.execute(delete(models).where(models.c.model == record.model))
